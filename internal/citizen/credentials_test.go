package citizen

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// handClock is a clock that is set by hand. It may be read and set at once.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *handClock { return &handClock{now: time.Unix(1_637_600_000, 0)} }

func (c *handClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func credentials(t testing.TB, clock *handClock) *Credentials {
	t.Helper()
	c, err := NewCredentials(testKey, clock.time)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var testAlias = uuid.MustParse("0f1e2d3c-4b5a-8697-8889-9a9b9c9d9e9f")

func wantVerdict(t *testing.T, c *Credentials, text string, want error) {
	t.Helper()
	alias, err := c.Verify(text)
	if want == nil && (err != nil || alias != testAlias) {
		t.Errorf("a good credential gives %v, %v", alias, err)
	}
	if want != nil && (!errors.Is(err, want) || alias != uuid.Nil) {
		t.Errorf("the verdict is %v, %v; want %v", alias, err, want)
	}
}

func TestCredentialLife(t *testing.T) {
	clock := newClock()
	c := credentials(t, clock)
	text, expires := c.Issue(testAlias)
	if want := clock.time().Add(90 * 24 * time.Hour); !expires.Equal(want) {
		t.Errorf("it ends at %v, want %v", expires, want)
	}
	wantVerdict(t, c, text, nil)
	clock.advance(90*24*time.Hour - time.Second)
	wantVerdict(t, c, text, nil)
	clock.advance(time.Second)
	wantVerdict(t, c, text, ErrCredentialExpired)
	clock.advance(-90*24*time.Hour - 5*time.Minute) // a server whose clock is behind
	wantVerdict(t, c, text, nil)
	clock.advance(-time.Second)
	wantVerdict(t, c, text, ErrCredential)
}

func TestRevokedCredential(t *testing.T) {
	clock := newClock()
	c := credentials(t, clock)
	old, _ := c.Issue(testAlias)
	clock.advance(time.Second)
	revoked := map[uuid.UUID]int64{testAlias: clock.time().Unix()}
	c.SetRevoked(revoked)
	renewed, _ := c.Issue(testAlias)
	wantVerdict(t, c, old, ErrCredentialRevoked)
	wantVerdict(t, c, renewed, nil)
	revoked[testAlias] += 100 // the caller's map is the caller's
	wantVerdict(t, c, renewed, nil)
	c.SetRevoked(map[uuid.UUID]int64{uuid.New(): clock.time().Unix() + 100})
	wantVerdict(t, c, old, nil)
}

func TestCredentialCannotBeBent(t *testing.T) {
	clock := newClock()
	c := credentials(t, clock)
	text, _ := c.Issue(testAlias)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		bent := bytes.Clone(raw)
		bent[bit/8] ^= 1 << (bit % 8)
		wantVerdict(t, c, base64.RawURLEncoding.EncodeToString(bent), ErrCredential)
	}
	otherKey, err := NewCredentials(bytes.Repeat([]byte{9}, KeySize), clock.time)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := otherKey.Issue(testAlias)

	// Sealed with our own key, but of a version that is not known.
	next := bytes.Clone(raw[:macAt])
	next[0] = 2
	next = append(next, c.seal(next)...)
	// Sealed with our own key for another purpose.
	alien := append(bytes.Clone(raw[:macAt]), mac(testKey, raw[:macAt])...)
	// An instant beyond what seconds can say.
	far := binary.BigEndian.AppendUint64(bytes.Clone(raw[:issuedAt]), 1<<63-1)
	far = append(far, c.seal(far)...)
	for _, bad := range []string{
		"", " ", text + "A", text[1:], text[:75] + "=", " " + text[1:], text[:74] + "\r\n", text + "\n", foreign,
		base64.RawURLEncoding.EncodeToString(next), base64.RawURLEncoding.EncodeToString(alien),
		base64.RawURLEncoding.EncodeToString(far), base64.StdEncoding.EncodeToString(raw[:45]),
	} {
		wantVerdict(t, c, bad, ErrCredential)
	}
}

// TestCredentialFormatIsFrozen: browsers hold credentials for 90 days, across releases.
func TestCredentialFormatIsFrozen(t *testing.T) {
	text, _ := credentials(t, newClock()).Issue(testAlias)
	const want = "AQ8eLTxLWoaXiImam5ydnp8AAAAAYZvLALi70eDoMf0oJnLAEfFDwm3Gzu4H2nSgPudzdCfc9rB1"
	if text != want {
		t.Errorf("the credential is %s", text)
	}
}

func TestSetRevokedWhileVerifying(t *testing.T) {
	clock := newClock()
	c := credentials(t, clock)
	text, _ := c.Issue(testAlias)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for range 200 {
				if i == 0 {
					c.SetRevoked(map[uuid.UUID]int64{uuid.New(): 1})
				} else if _, err := c.Verify(text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func FuzzVerify(f *testing.F) {
	clock := newClock()
	c := credentials(f, clock)
	good, _ := c.Issue(testAlias)
	f.Add(good)
	f.Add("")
	f.Add(good[:40])
	f.Fuzz(func(t *testing.T, text string) {
		alias, err := c.Verify(text)
		if err == nil && (text != good || alias != testAlias) {
			t.Fatalf("%q was taken for %v", text, alias)
		}
		if err != nil && (alias != uuid.Nil || !errors.Is(err, ErrCredential)) && text != good {
			t.Fatalf("%q gives %v, %v", text, alias, err)
		}
	})
}
