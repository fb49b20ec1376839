package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	shortestPassword = 12   // characters
	longestPassword  = 1024 // bytes: hashing takes time by length

	saltSize   = 16
	digestSize = 32
)

// NewPassword returns a random password of 100 bits, four groups of five letters and digits. It has no 0, 1, 8 or 9, so
// that nothing in it is mistaken for something else when it is copied from paper.
func NewPassword() string {
	letters := strings.ToLower(rand.Text()) // 26 characters of base32, 5 bits each
	return strings.Join([]string{letters[0:5], letters[5:10], letters[10:15], letters[15:20]}, "-")
}

// cost is what argon2id (RFC 9106) spends on one hash.
type cost struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
}

// standardCost is one of the settings that OWASP's Password Storage Cheat Sheet holds equal. It takes about 50 ms on one
// core of a small server.
var standardCost = cost{memory: 19 * 1024, time: 2, threads: 1}

// within says whether a stored cost is one that we would spend: a damaged record must not take all the memory.
func (c cost) within() bool {
	return c.memory >= 8*uint32(c.threads) && c.memory <= 256*1024 && c.time >= 1 && c.time <= 16 &&
		c.threads >= 1 && c.threads <= 16
}

// hasher hashes passwords, a few at once: that bounds the memory and leaves processors for scans. Who comes while all
// slots are taken waits until one is free or its context ends.
type hasher struct {
	cost   cost
	slots  chan struct{}
	derive func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte
}

func newHasher(c cost, atOnce int) *hasher {
	return &hasher{cost: c, slots: make(chan struct{}, atOnce), derive: argon2.IDKey}
}

// digest is the argon2id of a password.
func (h *hasher) digest(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	// The same characters may be typed as different code points, by the system: Vietnamese letters above all.
	return h.derive(norm.NFKC.Bytes([]byte(password)), salt, c.time, c.memory, c.threads, digestSize), nil
}

// hash returns a password's hash in the PHC string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("making a salt: %w", err)
	}
	digest, err := h.digest(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	return phc{cost: h.cost, salt: salt, digest: digest}.String(), nil
}

// decoy returns the hash of a password that nobody knows, for log-ins that have no account.
func (h *hasher) decoy() string {
	random := make([]byte, saltSize+digestSize)
	// It never fails: the program would have crashed.
	_, _ = rand.Read(random)
	return phc{cost: h.cost, salt: random[:saltSize], digest: random[saltSize:]}.String()
}

// matches says whether a hash is that of a password. An error is not about the password.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	stored, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	digest, err := h.digest(ctx, password, stored.salt, stored.cost)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(digest, stored.digest) == 1, nil
}

// phc is a hash as $argon2id$v=19$m=…,t=…,p=…$salt$digest, the PHC string format.
type phc struct {
	cost   cost
	salt   []byte
	digest []byte
}

var phcText = base64.RawStdEncoding.Strict()

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.memory, p.cost.time, p.cost.threads,
		phcText.EncodeToString(p.salt), phcText.EncodeToString(p.digest))
}

// errPHC says nothing of the hash: it is for the log.
var errPHC = errors.New("the stored password hash cannot be read")

func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return phc{}, errPHC
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.memory, &p.cost.time, &p.cost.threads); err != nil || !p.cost.within() {
		return phc{}, errPHC
	}
	var saltErr, digestErr error
	p.salt, saltErr = phcText.DecodeString(parts[4])
	p.digest, digestErr = phcText.DecodeString(parts[5])
	// Written again it must be the same text: that settles the version, the name, signs, spaces and line breaks.
	if saltErr != nil || digestErr != nil || len(p.salt) < 8 || len(p.digest) != digestSize || p.String() != text {
		return phc{}, errPHC
	}
	return p, nil
}

// checkPassword says whether a password may be chosen.
func checkPassword(password string) error {
	if utf8.RuneCountInString(password) < shortestPassword || len(password) > longestPassword || !utf8.ValidString(password) {
		return ErrPassword
	}
	return nil
}
