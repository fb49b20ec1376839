package webui

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing/stay"
)

// seal signs what a browser keeps for us between two pages. What is sealed can be read by the browser, but not made or
// changed by it.
type seal struct{ key []byte }

// close returns a payload as text, for a purpose and, where it is somebody's, for them alone.
func (s seal) close(purpose string, whose uuid.UUID, payload any) (string, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("sealing a %s: %w", purpose, err)
	}
	body := base64.RawURLEncoding.EncodeToString(data)
	return body + "." + base64.RawURLEncoding.EncodeToString(s.mac(purpose, whose[:], []byte(body))), nil
}

// open reads into payload what close gave for the same purpose and person, and says whether it was that.
func (s seal) open(purpose string, whose uuid.UUID, text string, payload any) bool {
	body, signature, found := strings.Cut(text, ".")
	if !found {
		return false
	}
	mac, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(mac, s.mac(purpose, whose[:], []byte(body))) {
		return false
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	return err == nil && json.Unmarshal(data, payload) == nil
}

// mac is HMAC-SHA-256 over the purpose, a zero byte and the parts, each after its length.
func (s seal) mac(purpose string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write(append([]byte(purpose), 0)) // a hash never fails
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:", len(part))
		_, _ = mac.Write(part)
	}
	return mac.Sum(nil)
}

// nonceAge is how long the forms of one page make one scan. It is longer than any double tap and shorter than a visit.
const nonceAge = 10 * time.Minute

// newNonce returns what a form carries so that sending it twice is one scan.
func newNonce(now time.Time) (string, error) {
	id, err := newID(now)
	return id.String(), err
}

// newID makes a UUIDv7 (RFC 9562, section 5.7) of an instant.
func newID(now time.Time) (uuid.UUID, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making an id: %w", err)
	}
	milliseconds := uint64(max(now.UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(milliseconds >> (40 - 8*i))
	}
	setVersion7(&id)
	return id, nil
}

func setVersion7(id *uuid.UUID) {
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
}

// scanID returns the id of the scan that a form makes. The same form sent twice for the same code and kind gives the same
// id; another code or kind another one, so that an id that was used before stands for this very scan. Its time bits are
// those of the nonce, which keeps ids in the order of time. A nonce that is missing or old counts as new: a page kept
// open since this morning is not this morning's scan.
func (s seal) scanID(nonce, token string, kind stay.Kind, now time.Time) (uuid.UUID, error) {
	id, err := uuid.Parse(nonce)
	if err != nil || id.Version() != 7 {
		return newID(now)
	}
	made := time.Unix(id.Time().UnixTime())
	if now.Sub(made).Abs() > nonceAge {
		return newID(now)
	}
	mac := s.mac("scan", id[:], []byte(token), []byte{byte(kind)})
	copy(id[6:], mac)
	setVersion7(&id)
	return id, nil
}
