package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
)

// Head is the end of the log at one time. Kept elsewhere, it shows later whether the log still has that entry with that
// seal: if so, and the log verifies, all entries up to it are those of then.
type Head struct {
	Seq  int64 // 0 while the log is empty
	Seal []byte
}

// Head returns the end of the log. It does not verify it.
func (l *Log) Head(ctx context.Context) (Head, error) {
	last, err := l.store.AuditEntries(ctx, 0, 1)
	if err != nil {
		return Head{}, fmt.Errorf("reading the end of the audit log: %w", err)
	}
	if len(last) == 0 {
		return Head{}, nil
	}
	return Head{Seq: last[0].Seq, Seal: last[0].Seal}, nil
}

// SignedHead is a head with the signature of the log that it is of, so that nobody can make up what a log once was. The key
// that signs follows from the key of the log: there is none to be kept beside it, and whoever knows the public key once can tell
// the heads of this log from those of any other.
type SignedHead struct {
	Head
	At        int64 // when it was signed, UTC seconds
	Key       ed25519.PublicKey
	Signature []byte // Ed25519 over headContext ‖ seq ‖ at ‖ seal; numbers have 8 bytes, big-endian
}

// The contexts keep the key and the signatures of heads from being those of anything else.
const (
	headContext    = "truyvet/audit-head/v1"
	headKeyContext = "truyvet/audit-head-key/v1"
)

// headKey is the key that signs heads: its seed is HMAC-SHA-256(key, headKeyContext).
func headKey(key []byte) ed25519.PrivateKey {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(headKeyContext))
	return ed25519.NewKeyFromSeed(mac.Sum(nil))
}

func (h *SignedHead) message() []byte {
	m := append([]byte(nil), headContext...)
	m = binary.BigEndian.AppendUint64(m, uint64(h.Seq))
	m = binary.BigEndian.AppendUint64(m, uint64(h.At))
	return append(m, h.Seal...)
}

// The reasons for which there is no head, or none of this log. Compare with errors.Is.
var (
	ErrEmpty       = errs.New(errs.NotFound, "audit_empty", "The audit log has no entry yet.")
	ErrHeadDamaged = errors.New("it is no head of an audit log")
	ErrHeadForeign = errors.New("it was not signed by this log")
)

// Sign returns the end of the log, signed. It does not verify the log. The error is ErrEmpty where there is nothing to sign.
func (l *Log) Sign(ctx context.Context) (SignedHead, error) {
	end, err := l.Head(ctx)
	if err != nil {
		return SignedHead{}, err
	}
	if end.Seq == 0 {
		return SignedHead{}, ErrEmpty
	}
	h := SignedHead{Head: end, At: l.clock().Unix(), Key: l.sign.Public().(ed25519.PublicKey)}
	h.Signature = ed25519.Sign(l.sign, h.message())
	return h, nil
}

// Trusts says whether this log has signed a head: the error is ErrHeadForeign where it has not.
func (l *Log) Trusts(h SignedHead) error {
	if !ed25519.Verify(l.sign.Public().(ed25519.PublicKey), h.message(), h.Signature) {
		return ErrHeadForeign
	}
	return nil
}

// headFile is a head as it stands in a file.
type headFile struct {
	Version   int    `json:"version"`
	Seq       int64  `json:"seq"`
	Seal      string `json:"seal"` // hex, as the key and the signature
	At        string `json:"at"`   // RFC 3339, UTC
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

const (
	headVersion = 1
	sealSize    = sha256.Size
	maxHeadFile = 4096 // bytes, far beyond what a head takes
)

// Text returns the head as a file holds it: one object of JSON.
func (h *SignedHead) Text() []byte {
	text, err := json.MarshalIndent(headFile{
		Version: headVersion, Seq: h.Seq, Seal: hex.EncodeToString(h.Seal), At: time.Unix(h.At, 0).UTC().Format(time.RFC3339),
		Key: hex.EncodeToString(h.Key), Signature: hex.EncodeToString(h.Signature),
	}, "", "  ")
	if err != nil {
		panic(err) // numbers and strings are always written
	}
	return append(text, '\n')
}

// ParseHead reads what Text has written. Whose it is remains to be seen: see Log.Trusts. The error is ErrHeadDamaged.
func ParseHead(text []byte) (SignedHead, error) {
	var f headFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if len(text) > maxHeadFile || d.Decode(&f) != nil || f.Version != headVersion || f.Seq < 1 {
		return SignedHead{}, ErrHeadDamaged
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return SignedHead{}, ErrHeadDamaged
	}
	at, err := time.Parse(time.RFC3339, f.At)
	h := SignedHead{Head: Head{Seq: f.Seq}, At: at.Unix()}
	for _, field := range []struct {
		text string
		size int
		into *[]byte
	}{{f.Seal, sealSize, &h.Seal}, {f.Key, ed25519.PublicKeySize, (*[]byte)(&h.Key)}, {f.Signature, ed25519.SignatureSize, &h.Signature}} {
		var fault error
		if *field.into, fault = hex.DecodeString(field.text); fault != nil || len(*field.into) != field.size {
			err = ErrHeadDamaged
		}
	}
	if err != nil {
		return SignedHead{}, ErrHeadDamaged
	}
	return h, nil
}
