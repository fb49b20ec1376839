package ingest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// TestCodeIsJudgedAtTheTimeOfTheScan has a screen code that lives 90 seconds scanned in time and sent ever later.
func TestCodeIsJudgedAtTheTimeOfTheScan(t *testing.T) {
	b := newBench(t)
	expires := noon.Add(90 * time.Second)
	screen := b.code(t, qrgen.Token{IssuedAt: noon, ExpiresAt: expires})
	for name, c := range map[string]struct {
		at, arrival time.Time
		code        string
		late        bool
	}{
		"at once":                      {noon, noon, "", false},
		"last second":                  {expires.Add(-time.Second), expires, "", false},
		"ten minutes later":            {noon, expires.Add(ingest.LateAfter), "", false},
		"a part of a second more":      {noon, expires.Add(ingest.LateAfter + 999*time.Millisecond), "", false},
		"more than ten minutes":        {noon, expires.Add(ingest.LateAfter + time.Second), "", true},
		"the day after":                {noon, noon.Add(24 * time.Hour), "", true},
		"a photo of it, a bit later":   {expires, expires, "code_expired", false},
		"a photo of it, the day after": {noon.Add(24 * time.Hour), noon.Add(24 * time.Hour), "code_expired", false},
	} {
		b.now = c.arrival
		sub := in(screen, c.at)
		r := b.one(t, sub)
		if code := codeOf(r.Err); code != c.code {
			t.Errorf("%s: %q, want %q", name, code, c.code)
			continue
		}
		if c.code != "" {
			continue
		}
		i := slices.IndexFunc(b.stored(t), func(s scan.Scan) bool { return s.ID == sub.ID })
		if i < 0 {
			t.Errorf("%s: not stored", name)
			continue
		}
		if flags := b.stored(t)[i].Flags; (flags == stay.Late) != c.late || flags&^stay.Late != 0 {
			t.Errorf("%s: flags %b", name, flags)
		}
	}
}

// TestRevokedCodeIsJudgedAtTheTimeOfTheScan has a poster end while scans of it wait on phones without a network.
func TestRevokedCodeIsJudgedAtTheTimeOfTheScan(t *testing.T) {
	b := newBench(t)
	place, ends := uuid.New(), noon.Add(time.Hour)
	poster := b.code(t, qrgen.Token{Place: place, Serial: 2})
	b.ends[issuedCode{place, 2}] = ends.Unix()
	for name, c := range map[string]struct {
		at, arrival time.Time
		code        string
		late        bool
	}{
		"before it ends":        {noon, noon, "", false},
		"ten minutes later":     {noon, ends.Add(ingest.LateAfter), "", false},
		"more than ten minutes": {ends.Add(-time.Second), ends.Add(ingest.LateAfter + time.Second), "", true},
		"scanned as it ends":    {ends, ends, "code_revoked", false},
		"a photo, much later":   {ends.Add(24 * time.Hour), ends.Add(24 * time.Hour), "code_revoked", false},
	} {
		b.now = c.arrival
		sub := in(poster, c.at)
		if r := b.one(t, sub); codeOf(r.Err) != c.code {
			t.Errorf("%s: %q, want %q", name, codeOf(r.Err), c.code)
		}
		for _, s := range b.stored(t) {
			if s.ID == sub.ID && (s.Flags == stay.Late) != c.late {
				t.Errorf("%s: flags %b", name, s.Flags)
			}
		}
	}
	both := b.code(t, qrgen.Token{Place: place, Serial: 2, IssuedAt: noon, ExpiresAt: noon.Add(90 * time.Second)})
	b.now = noon.Add(90*time.Second + ingest.LateAfter + time.Second)
	if r := b.one(t, in(both, noon)); r.Status != ingest.Accepted || b.stored(t)[len(b.stored(t))-1].Flags != stay.Late {
		t.Errorf("the code of a screen that ended first: %+v", r)
	}
}

func codeOf(e *errs.Error) string {
	if e == nil {
		return ""
	}
	return e.Code
}

func TestPrintedCodeIsNeverLate(t *testing.T) {
	b := newBench(t)
	sub := in(b.code(t, qrgen.Token{}), noon.Add(-20*24*time.Hour))
	if r := b.one(t, sub); r.Status != ingest.Accepted {
		t.Fatalf("%+v", r)
	}
	if flags := b.stored(t)[0].Flags; flags != 0 {
		t.Errorf("flags %b", flags)
	}
}

func TestWhatIsKnownOfACodeMayChange(t *testing.T) {
	b := newBench(t)
	place := uuid.New()
	code := b.code(t, qrgen.Token{Place: place, Serial: 4})
	again := func() string { return codeOf(b.one(t, in(code, noon)).Err) }
	if got := again() + again(); got != "" {
		t.Fatalf("a good code is %s", got)
	}
	b.ends[issuedCode{place, 3}] = noon.Add(-time.Hour).Unix()
	if got := again(); got != "" {
		t.Errorf("an older serial was revoked: %q", got)
	}
	b.ends[issuedCode{place, 4}] = noon.Unix()
	if got := again(); got != "code_revoked" {
		t.Errorf("revoked: %q", got)
	}
	if token, err := b.Verify(strings.ToLower(code), noon); !errors.Is(err, qrgen.ErrRevoked) || token.Place != place {
		t.Errorf("Verify: %v, %v", token, err)
	}
	b.ends[issuedCode{place, 4}] = noon.Add(time.Second).Unix()
	if got := again(); got != "" {
		t.Errorf("it ends a second later: %q", got)
	}
	if err := b.keys.Retire(1); err != nil {
		t.Fatal(err)
	}
	if got := again(); got != "" {
		t.Errorf("retired key: %q", got)
	}
	if err := b.keys.Compromise(1); err != nil {
		t.Fatal(err)
	}
	if got := again(); got != "code_compromised_key" {
		t.Errorf("compromised key: %q", got)
	}
	if token, err := b.Verify(code, noon); !errors.Is(err, qrgen.ErrCompromisedKey) || token != (qrgen.Token{}) {
		t.Errorf("Verify: %v, %v", token, err)
	}
}
