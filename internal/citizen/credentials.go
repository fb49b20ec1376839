package citizen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
)

// CredentialLife is how long a credential is good.
const CredentialLife = 90 * 24 * time.Hour

// clockSkew is how far ahead the clock may be of another server that issued a credential.
const clockSkew = 5 * time.Minute

// The errors of credentials. Compare with errors.Is.
var (
	ErrCredential        = errs.New(errs.Unauthenticated, "credential", "This browser's sign-in is not valid; prove the phone number again.")
	ErrCredentialExpired = errs.New(errs.Unauthenticated, "credential_expired", "This browser's sign-in has ended; prove the phone number again.")
	ErrCredentialRevoked = errs.New(errs.Unauthenticated, "credential_revoked", "This browser's sign-in was taken back; prove the phone number again.")
)

// The bytes of a credential: version 1, the alias, the second it was issued (big-endian), and the HMAC-SHA-256 of
// credentialContext and all before it. Its text is base64url without padding.
const (
	credentialVersion = 1
	aliasAt           = 1
	issuedAt          = aliasAt + 16
	macAt             = issuedAt + 8
	credentialSize    = macAt + 32

	credentialContext = "truyvet/credential/v1"
	codeContext       = "truyvet/code-key/v1"
)

// credentialText writes every three bytes as four characters. A credential's length leaves no bits over, so it has one text.
var credentialText = base64.RawURLEncoding

// Credentials issues and verifies what a browser holds to say whose it is. It is safe for concurrent use.
type Credentials struct {
	macs    sync.Pool // of hash.Hash: HMACs under the key, which cost half where the key is worked in already
	codeKey []byte    // of the hashes of one-time codes
	clock   func() time.Time
	revoked atomic.Pointer[map[uuid.UUID]int64]
}

// NewCredentials returns the credentials under a key of KeySize random bytes. Nothing is revoked.
func NewCredentials(key []byte, clock func() time.Time) (*Credentials, error) {
	kept, err := keyCopy(key)
	if err != nil {
		return nil, fmt.Errorf("making credentials: %w", err)
	}
	c := &Credentials{codeKey: mac(kept, []byte(codeContext)), clock: clock}
	c.macs.New = func() any { return hmac.New(sha256.New, kept) }
	c.SetRevoked(nil)
	return c, nil
}

// Issue returns a new credential for an alias, and when it ends.
func (c *Credentials) Issue(alias uuid.UUID) (text string, expires time.Time) {
	issued := c.clock().Unix()
	raw := make([]byte, 0, credentialSize)
	raw = append(raw, credentialVersion)
	raw = append(raw, alias[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(issued))
	raw = append(raw, c.seal(raw)...)
	return credentialText.EncodeToString(raw), time.Unix(issued, 0).UTC().Add(CredentialLife)
}

func (c *Credentials) seal(raw []byte) []byte {
	h := c.macs.Get().(hash.Hash)
	defer c.macs.Put(h)
	h.Reset()
	h.Write([]byte(credentialContext))
	h.Write(raw)
	return h.Sum(nil)
}

// Verify returns the alias that a credential names. The errors: ErrCredential for what is none, or none of ours,
// ErrCredentialExpired, ErrCredentialRevoked.
func (c *Credentials) Verify(text string) (uuid.UUID, error) {
	// The decoder skips line breaks; of the right length before and after, there were none.
	if len(text) != credentialText.EncodedLen(credentialSize) {
		return uuid.Nil, ErrCredential
	}
	raw, err := credentialText.DecodeString(text)
	if err != nil || len(raw) != credentialSize || raw[0] != credentialVersion ||
		!hmac.Equal(raw[macAt:], c.seal(raw[:macAt])) {
		return uuid.Nil, ErrCredential
	}
	alias := uuid.UUID(raw[aliasAt:issuedAt])
	issued := int64(binary.BigEndian.Uint64(raw[issuedAt:macAt]))
	now := c.clock().Unix()
	switch {
	case issued > now+int64(clockSkew/time.Second):
		return uuid.Nil, ErrCredential
	case issued <= now-int64(CredentialLife/time.Second):
		return uuid.Nil, ErrCredentialExpired
	case issued < (*c.revoked.Load())[alias]:
		return uuid.Nil, ErrCredentialRevoked
	}
	return alias, nil
}

// SetRevoked replaces, at once, what is revoked: by alias, the instant before which its credentials were issued. One
// issued in that very second stays good.
func (c *Credentials) SetRevoked(issuedBefore map[uuid.UUID]int64) {
	kept := maps.Clone(issuedBefore)
	c.revoked.Store(&kept)
}

// codeHash is the keyed hash of a challenge's code: from the registry alone the million codes cannot be tried.
func (c *Credentials) codeHash(challenge uuid.UUID, code string) []byte {
	return mac(c.codeKey, challenge[:], []byte(code))
}
