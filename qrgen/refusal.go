package qrgen

import "errors"

// Refusal is why a token is not accepted. It is an error to compare with
// [errors.Is]; its value is a code in snake_case that never changes, fit for an
// API's answer, a log and a metric.
type Refusal string

// The refusals, in the order in which [KeySet.Verify] looks for them. The last
// three are of tokens that are authentic all the same.
const (
	// ErrMalformed: not 154 characters of base32, unused bits set, or fields
	// that this format never has (an unknown kind, the nil place, an expiry that
	// is not after the issue).
	ErrMalformed Refusal = "malformed"
	// ErrUnknownVersion: the right shape, but a format version other than 1.
	ErrUnknownVersion Refusal = "unknown_version"
	// ErrUnknownKey: signed with a key that the key set does not have.
	ErrUnknownKey Refusal = "unknown_key"
	// ErrCompromisedKey: names a key that somebody else may hold. Whether the
	// signature is right no longer says anything, so it is not looked at.
	ErrCompromisedKey Refusal = "compromised_key"
	// ErrBadSignature: the fields are not the ones that the key signed.
	ErrBadSignature Refusal = "bad_signature"
	// ErrIssuedInFuture: issued more than [ClockTolerance] after the scan.
	ErrIssuedInFuture Refusal = "issued_in_future"
	// ErrExpired: scanned at or after the instant at which the code expires.
	ErrExpired Refusal = "expired"
	// ErrRevoked: the owner took this serial of the place's code back.
	ErrRevoked Refusal = "revoked"
)

// Code returns the stable snake_case code.
func (r Refusal) Code() string { return string(r) }

// Error says what is wrong in words.
func (r Refusal) Error() string {
	switch r {
	case ErrMalformed:
		return "not a well-formed code"
	case ErrUnknownVersion:
		return "code of an unknown format version"
	case ErrUnknownKey:
		return "code signed with an unknown key"
	case ErrCompromisedKey:
		return "code signed with a compromised key"
	case ErrBadSignature:
		return "code with a wrong signature"
	case ErrIssuedInFuture:
		return "code issued in the future"
	case ErrExpired:
		return "code has expired"
	case ErrRevoked:
		return "code has been revoked"
	}
	return "code refused: " + string(r)
}

// Authentic reports whether a token refused for this reason was nonetheless
// signed by a trusted key, so that its fields may be shown.
func (r Refusal) Authentic() bool {
	return r == ErrIssuedInFuture || r == ErrExpired || r == ErrRevoked
}

// CodeOf returns the code of the [Refusal] that err is or wraps, or "" if there
// is none in it.
func CodeOf(err error) string {
	var r Refusal
	if errors.As(err, &r) {
		return r.Code()
	}
	return ""
}
