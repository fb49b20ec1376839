package qrgen

import (
	"crypto/sha256"
	"encoding/base32"
)

// checkContext goes before what a check code is made from.
const checkContext = "truyvet/check/v1"

// CheckCode returns the short code that a poster bears in print and that the page behind its code shows: who pastes a
// sticker over a poster cannot make the two agree. It is the first 40 bits of SHA-256 over "truyvet/check/v1" and the
// token's 96 bytes, in two groups of four characters of an alphabet without I, L, O and U, as in "7K3F-9QXM". The error is
// [ErrMalformed] for what is not a token's text; the token's signature is not looked at.
func CheckCode(token string) (string, error) {
	raw, err := decode(token)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(checkContext), raw[:]...))
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(sum[:5])
	return text[:4] + "-" + text[4:], nil
}
