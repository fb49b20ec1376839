// Package qrgen makes and checks the signed codes that places put on their walls.
//
// A code is a URL whose last part is a token: base32 (RFC 4648, no padding) of
// 96 bytes, all numbers big-endian:
//
//	0      format version, 1
//	1      kind of place
//	2–3    id of the signing key
//	4–19   place id, a UUID
//	20–23  issued at, unix seconds
//	24–27  expires at, unix seconds; 0 means never
//	28–31  serial, which goes up only when the owner re-issues
//	32–95  Ed25519 signature (RFC 8032) over "truyvet/qr/v1" followed by bytes 0–31
//
// Everything is upper case so that the URL fits a QR code's alphanumeric mode;
// readers accept any case. Ed25519 is deterministic, so the same fields under
// the same key always give the same text.
//
// A [PersonalCode], which somebody shows at a gate, has the same form with an
// alias in the place of the place id, and "truyvet/me/v1" before the signed bytes.
//
// Which codes owners took back since is in a signed list, [Revoked].
//
// The package needs nothing but the standard library and google/uuid, keeps no
// state outside a [KeySet] and never touches the network: a gate that holds the
// public keys can verify codes alone.
package qrgen
