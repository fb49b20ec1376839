package page

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

// Seal signs what a browser keeps for us between two pages. What is sealed can be read by the browser, but not made or
// changed by it.
type Seal struct{ key []byte }

// Close returns a payload as text, for a purpose and, where it is somebody's, for them alone.
func (s Seal) Close(purpose string, whose uuid.UUID, payload any) (string, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("sealing a %s: %w", purpose, err)
	}
	body := base64.RawURLEncoding.EncodeToString(data)
	return body + "." + base64.RawURLEncoding.EncodeToString(s.mac(purpose, whose[:], []byte(body))), nil
}

// Open reads into payload what close gave for the same purpose and person, and says whether it was that.
func (s Seal) Open(purpose string, whose uuid.UUID, text string, payload any) bool {
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

// Mark names somebody to a browser that keeps things for them: it is the same each time, and tells nobody who that is.
func (s Seal) Mark(whose uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString(s.mac("mark", whose[:])[:12])
}

// mac is HMAC-SHA-256 over the purpose, a zero byte and the parts, each after its length.
func (s Seal) mac(purpose string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write(append([]byte(purpose), 0)) // a hash never fails
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:", len(part))
		_, _ = mac.Write(part)
	}
	return mac.Sum(nil)
}

// doubleTap is how far apart two sendings of one form may be to count as one scan. It is longer than any double tap and
// shorter than anything that somebody does twice on purpose.
const doubleTap = 10 * time.Second

// NewNonce returns what tells one rendering of a form from every other.
func NewNonce(now time.Time) (string, error) {
	id, err := newID(now)
	return id.String(), err
}

// newID makes a UUIDv7 (RFC 9562, section 5.7) of an instant.
func newID(now time.Time) (uuid.UUID, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making an id: %w", err)
	}
	setVersion7(&id, now)
	return id, nil
}

func setVersion7(id *uuid.UUID, at time.Time) {
	milliseconds := uint64(max(at.UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(milliseconds >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
}

// ScanID returns the id of the scan that a form makes of somebody, a UUIDv7 of now. The same form sent twice within
// doubleTap gives the same id; a form that is sent again later, say by going back in the browser, gives another one, and so
// does the same form for another person, code or kind. An id that was used before therefore stands for this very scan, a
// few seconds ago.
func (s Seal) ScanID(nonce string, alias uuid.UUID, token string, kind stay.Kind, now time.Time) uuid.UUID {
	tap := now.UTC().Truncate(doubleTap)
	var id uuid.UUID
	copy(id[:], s.mac("scan", []byte(nonce), alias[:], []byte(token), []byte{byte(kind)}, []byte(tap.Format(time.RFC3339))))
	setVersion7(&id, tap)
	return id
}

// longestTap is how long a tap may take to arrive.
const longestTap = 2 * time.Minute

// TapOf reads the id that a page's script has given a tap, a UUIDv7, and of when it is, by our clock. A tap that is sent again has the
// same id. False: there is none, or it is not of just now, as when a browser sends an old form again.
func TapOf(text string, now time.Time) (id uuid.UUID, at int64, ok bool) {
	id, err := uuid.Parse(text)
	if err != nil || id.Version() != 7 {
		return uuid.Nil, 0, false
	}
	at, _ = id.Time().UnixTime()
	ago := now.Sub(time.Unix(at, 0))
	return id, at, ago >= -doubleTap && ago <= longestTap
}
