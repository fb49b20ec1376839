package ingest

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/qrgen"
)

var issued = time.Date(2021, 12, 1, 8, 0, 0, 0, time.UTC)

// signed returns a key set and the code of a place that it signed.
func signed(t testing.TB, place uuid.UUID) (*qrgen.KeySet, string) {
	t.Helper()
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(issued); err != nil {
		t.Fatal(err)
	}
	text, err := keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: place, IssuedAt: issued, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	return keys, text
}

func TestSpellingsOfACodeAreOneEntry(t *testing.T) {
	place := uuid.New()
	keys, text := signed(t, place)
	c := newCodeCache(keys)
	mixed := text[:40] + strings.ToLower(text[40:90]) + text[90:]
	for _, spelling := range []string{text, strings.ToLower(text), mixed, text} {
		token, err := c.verify(spelling, issued)
		if err != nil || token.Place != place {
			t.Fatalf("%s: %v, %v", spelling, token, err)
		}
	}
	if len(c.tokens) != 1 {
		t.Errorf("%d entries", len(c.tokens))
	}
}

func TestOnlyGoodCodesAreRemembered(t *testing.T) {
	keys, text := signed(t, uuid.New())
	c := newCodeCache(keys)
	forged := []byte(text)
	forged[100] ^= 'A' ^ 'B'
	for _, bad := range []string{string(forged), text[1:], "", strings.Repeat("A", qrgen.TokenLength)} {
		if _, err := c.verify(bad, issued); err == nil {
			t.Errorf("%q is good", bad)
		}
	}
	if len(c.tokens) != 0 {
		t.Errorf("%d entries", len(c.tokens))
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCodeCache(qrgen.NewKeySet())
	for i := range maxCachedCodes + 100 {
		c.remember(strconv.Itoa(i), qrgen.Token{})
		if i%10_000 == 0 || i >= maxCachedCodes {
			if _, there := c.tokens[strconv.Itoa(i)]; !there {
				t.Fatalf("the newest of %d is not there", i+1)
			}
		}
	}
	if len(c.tokens) != maxCachedCodes {
		t.Errorf("%d entries", len(c.tokens))
	}
}

// TestCacheAnswersAsVerifyDoes compares with the key set itself, on texts that are nearly codes, read again and again while
// keys change.
func TestCacheAnswersAsVerifyDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := qrgen.NewKeySet()
		var texts []string
		for n := range byte(3) {
			if _, err := keys.Create(issued); err != nil {
				t.Fatal(err)
			}
			expires := time.Time{}
			if n == 2 {
				expires = issued.Add(90 * time.Second)
			}
			text, err := keys.Sign(qrgen.Token{
				Kind: qrgen.KindShop, Place: uuid.UUID{n, 15: 1}, IssuedAt: issued, ExpiresAt: expires, Serial: uint32(n),
			})
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		c := newCodeCache(keys)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 12).Draw(t, "change") == 0 {
				if err := keys.Compromise(uint16(rapid.IntRange(1, 3).Draw(t, "key"))); err != nil {
					t.Fatal(err)
				}
			}
			text := rapid.SampledFrom(texts).Draw(t, "code")
			if rapid.Bool().Draw(t, "lower case") {
				text = strings.ToLower(text)
			}
			if rapid.IntRange(0, 2).Draw(t, "spoilt") == 0 {
				// Among them letters whose upper case is an ASCII one, which must not pass for it.
				at := rapid.IntRange(0, len(text)-1).Draw(t, "where")
				with := rapid.SampledFrom([]string{"A", "a", "7", "1", "ſ", "ı", "K", "\x00", "", "é"}).Draw(t, "with")
				text = text[:at] + with + text[at+1:]
			}
			at := issued.Add(time.Duration(rapid.IntRange(-600, 600).Draw(t, "at")) * time.Second)
			token, err := c.verify(text, at)
			wantToken, want := keys.Verify(text, at, nil)
			if token != wantToken || qrgen.CodeOf(err) != qrgen.CodeOf(want) {
				t.Fatalf("%q at %v: %v, %v; want %v, %v", text, at, token, err, wantToken, want)
			}
		}
	})
}

func TestCacheConcurrently(t *testing.T) {
	place := uuid.New()
	keys, text := signed(t, place)
	c := newCodeCache(keys)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				if token, err := c.verify(text, issued); err != nil || token.Place != place {
					t.Errorf("%v, %v", token, err)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkVerify(b *testing.B) {
	keys, text := signed(b, uuid.New())
	c := newCodeCache(keys)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.verify(text, issued); err != nil {
			b.Fatal(err)
		}
	}
}
