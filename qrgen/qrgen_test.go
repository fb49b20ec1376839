package qrgen_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/qrgen"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

var noon = time.Date(2021, 12, 1, 5, 0, 0, 0, time.UTC)

func newKeys(t testing.TB) *qrgen.KeySet {
	t.Helper()
	ks := qrgen.NewKeySet()
	if _, err := ks.Create(noon); err != nil {
		t.Fatal(err)
	}
	return ks
}

func sign(t testing.TB, ks *qrgen.KeySet, token qrgen.Token) string {
	t.Helper()
	text, err := ks.Sign(token)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func market() qrgen.Token {
	return qrgen.Token{Kind: qrgen.KindMarket, Place: uuid.MustParse("0184a6f0-6f30-7c11-8a52-3d6f5b1e9c01"), IssuedAt: noon, Serial: 1}
}

// anyToken draws fields that Sign accepts.
func anyToken(t *rapid.T) qrgen.Token {
	place := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "place"))
	place[15] |= 1 // not the nil UUID
	issued := rapid.Int64Range(0, math.MaxUint32-1).Draw(t, "issued")
	token := qrgen.Token{
		Kind:     rapid.SampledFrom(qrgen.Kinds()).Draw(t, "kind"),
		KeyID:    rapid.Uint16().Draw(t, "key id"),
		Place:    place,
		IssuedAt: time.Unix(issued, 0).UTC(),
		Serial:   rapid.Uint32().Draw(t, "serial"),
	}
	if rapid.Bool().Draw(t, "expires") {
		token.ExpiresAt = time.Unix(rapid.Int64Range(issued+1, math.MaxUint32).Draw(t, "expiry"), 0).UTC()
	}
	return token
}

func TestSignedTokensVerify(t *testing.T) {
	ks := newKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		token := anyToken(t)
		text, err := ks.Sign(token)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ks.Sign(token)
		if err != nil || again != text {
			t.Fatalf("signed again: %v, same text %v", err, again == text)
		}
		token.KeyID = 1
		if got, err := ks.Verify(text, token.IssuedAt, nil); err != nil || got != token {
			t.Fatalf("verified as %+v, %v; want %+v", got, err, token)
		}
		parsed, err := qrgen.Parse(text)
		if err != nil || parsed.Token != token {
			t.Fatalf("parsed as %+v, %v", parsed.Token, err)
		}
		if back, err := parsed.Text(); err != nil || back != text {
			t.Fatalf("written back differently: %v", err)
		}
	})
}

// TestEveryFlippedBitIsRefused goes through all 770 bits that the characters
// hold: 96 bytes and two bits unused.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	ks := newKeys(t)
	text := sign(t, ks, market())
	for i := range len(text) {
		for bit := range 5 {
			flipped := []byte(text)
			flipped[i] = alphabet[strings.IndexByte(alphabet, text[i])^1<<bit]
			got, err := ks.Verify(string(flipped), noon, nil)
			if err == nil || got != (qrgen.Token{}) {
				t.Errorf("character %d with bit %d flipped: %+v, %v", i, bit, got, err)
			}
		}
	}
}

func TestTimeLimits(t *testing.T) {
	ks := newKeys(t)
	token := market()
	token.ExpiresAt = noon.Add(90 * time.Second)
	text := sign(t, ks, token)
	tests := []struct {
		name string
		at   time.Time
		want error
	}{
		{"more than the tolerance before the issue", noon.Add(-qrgen.ClockTolerance - time.Second), qrgen.ErrIssuedInFuture},
		{"the tolerance before the issue", noon.Add(-qrgen.ClockTolerance), nil},
		{"at the issue", noon, nil},
		{"just before the expiry", token.ExpiresAt.Add(-time.Nanosecond), nil},
		{"at the expiry", token.ExpiresAt, qrgen.ErrExpired},
		{"a day later", noon.AddDate(0, 0, 1), qrgen.ErrExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ks.Verify(text, tt.at, nil)
			if !errors.Is(err, tt.want) || got.Place != token.Place {
				t.Errorf("%v with place %v", err, got.Place)
			}
		})
	}
}

// TestJudgeAgreesWithVerify follows one key from current to compromised.
func TestJudgeAgreesWithVerify(t *testing.T) {
	ks := newKeys(t)
	token := market()
	token.ExpiresAt = noon.Add(time.Hour)
	text := sign(t, ks, token)
	authentic, err := ks.Verify(text, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := func(uuid.UUID, uint32) bool { return true }
	agree := func(when, code string, at time.Time, revoked qrgen.Revocations) {
		t.Helper()
		want, wantErr := ks.Verify(text, at, revoked)
		got, err := ks.Judge(authentic, at, revoked)
		if got != want || qrgen.CodeOf(err) != code || qrgen.CodeOf(wantErr) != code {
			t.Errorf("%s: Judge gives %+v, %v; Verify gives %+v, %v; want %q", when, got, err, want, wantErr, code)
		}
	}
	agree("at the issue", "", noon, nil)
	agree("too early", "issued_in_future", noon.Add(-time.Hour), all)
	agree("too late", "expired", token.ExpiresAt, all)
	agree("revoked", "revoked", noon, all)
	if err := ks.Retire(1); err != nil {
		t.Fatal(err)
	}
	agree("retired key", "", noon, nil)
	if err := ks.Compromise(1); err != nil {
		t.Fatal(err)
	}
	agree("compromised key", "compromised_key", noon, nil)
	if _, err := newKeys(t).Judge(qrgen.Token{KeyID: 7}, noon, nil); !errors.Is(err, qrgen.ErrUnknownKey) {
		t.Errorf("a key of another set: %v", err)
	}
}

func TestRevocationIsAskedForTheSerial(t *testing.T) {
	ks := newKeys(t)
	token := market()
	before := func(place uuid.UUID, serial uint32) bool { return place == token.Place && serial < 2 }
	got, err := ks.Verify(sign(t, ks, token), noon, before)
	if !errors.Is(err, qrgen.ErrRevoked) || got.Place != token.Place {
		t.Errorf("serial 1: %v", err)
	}
	token.Serial = 2
	if _, err := ks.Verify(sign(t, ks, token), noon, before); err != nil {
		t.Errorf("serial 2: %v", err)
	}
}

func TestSignRefusesWhatParseWould(t *testing.T) {
	ks := newKeys(t)
	tests := map[string]func(*qrgen.Token){
		"no kind":               func(t *qrgen.Token) { t.Kind = 0 },
		"unknown kind":          func(t *qrgen.Token) { t.Kind = 19 },
		"nil place":             func(t *qrgen.Token) { t.Place = uuid.Nil },
		"no issue time":         func(t *qrgen.Token) { t.IssuedAt = time.Time{} },
		"issued after 2106":     func(t *qrgen.Token) { t.IssuedAt = time.Unix(math.MaxUint32+1, 0) },
		"expires after 2106":    func(t *qrgen.Token) { t.ExpiresAt = time.Unix(math.MaxUint32+1, 0) },
		"expires when issued":   func(t *qrgen.Token) { t.ExpiresAt = t.IssuedAt.Add(999 * time.Millisecond) },
		"expires before issued": func(t *qrgen.Token) { t.ExpiresAt = t.IssuedAt.Add(-time.Hour) },
		"expires before 1970":   func(t *qrgen.Token) { t.ExpiresAt = time.Unix(-1, 0) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			token := market()
			spoil(&token)
			if text, err := ks.Sign(token); err == nil {
				t.Errorf("signed as %s", text)
			}
		})
	}
}

func TestSignDropsPartsOfASecond(t *testing.T) {
	ks := newKeys(t)
	token := market()
	whole := sign(t, ks, token)
	token.IssuedAt = token.IssuedAt.Add(999 * time.Millisecond).In(time.FixedZone("ICT", 7*3600))
	if sign(t, ks, token) != whole {
		t.Error("a part of a second or a time zone changed the text")
	}
}

func TestKinds(t *testing.T) {
	kinds := qrgen.Kinds()
	if len(kinds) != 18 {
		t.Fatalf("%d kinds", len(kinds))
	}
	for i, k := range kinds {
		if int(k) != i+1 || !k.Valid() || k.Dwell() <= 0 {
			t.Errorf("kind %d at %d: valid %v, dwell %v", k, i, k.Valid(), k.Dwell())
		}
		data, err := json.Marshal(map[string]qrgen.Kind{"kind": k})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]qrgen.Kind
		if err := json.Unmarshal(data, &back); err != nil || back["kind"] != k {
			t.Errorf("%s reads back as %v, %v", data, back["kind"], err)
		}
	}
	// The contract's corners, by hand.
	for name, want := range map[string]struct {
		number qrgen.Kind
		dwell  time.Duration
	}{
		"office": {1, 9 * time.Hour}, "meeting_room": {2, 90 * time.Minute}, "bus_station": {4, 45 * time.Minute},
		"market": {7, time.Hour}, "restaurant": {11, 75 * time.Minute}, "checkpoint": {12, 5 * time.Minute},
		"school": {15, 10 * time.Hour}, "other": {18, time.Hour},
	} {
		k, err := qrgen.ParseKind(name)
		if err != nil || k != want.number || k.Dwell() != want.dwell || k.String() != name {
			t.Errorf("%s is %d with %v, %v", name, k, k.Dwell(), err)
		}
	}
}

func TestNoKind(t *testing.T) {
	for _, k := range []qrgen.Kind{0, 19, 255} {
		if _, err := k.MarshalText(); err == nil || k.Valid() || k.Dwell() != 0 || !strings.HasPrefix(k.String(), "kind(") {
			t.Errorf("%d passes for a kind", uint8(k))
		}
	}
	for _, name := range []string{"", "Market", "kind(7)", "7"} {
		if _, err := qrgen.ParseKind(name); err == nil {
			t.Errorf("%q passes for a kind", name)
		}
	}
}

func TestRefusals(t *testing.T) {
	all := []qrgen.Refusal{
		qrgen.ErrMalformed, qrgen.ErrUnknownVersion, qrgen.ErrUnknownKey, qrgen.ErrCompromisedKey,
		qrgen.ErrBadSignature, qrgen.ErrIssuedInFuture, qrgen.ErrExpired, qrgen.ErrRevoked,
	}
	words := map[string]bool{}
	for _, r := range all {
		if words[r.Error()] || strings.Contains(r.Error(), r.Code()) && strings.Contains(r.Code(), "_") {
			t.Errorf("%s has no words of its own: %s", r.Code(), r.Error())
		}
		words[r.Error()] = true
	}
	if qrgen.CodeOf(errors.New("disk full")) != "" || qrgen.CodeOf(nil) != "" {
		t.Error("a code for an error that is no refusal")
	}
}

func TestRotationWhileSigningAndVerifying(t *testing.T) {
	ks := newKeys(t)
	stop := make(chan struct{})
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				text, err := ks.Sign(market())
				if err != nil {
					t.Errorf("signing: %v", err)
					return
				}
				if _, err := ks.Verify(text, noon, nil); err != nil {
					t.Errorf("verifying: %v", err)
					return
				}
			}
		})
	}
	for range 50 {
		if _, err := ks.Create(noon); err != nil {
			t.Error(err)
		}
		if _, err := ks.PublicJSON(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	working.Wait()
}

func FuzzVerify(f *testing.F) {
	v := readVectors(f)
	for _, a := range v.Accepted {
		f.Add(a.Text)
		f.Add(strings.ToLower(a.Text))
	}
	for _, r := range v.Refused {
		f.Add(r.Text)
	}
	ks := publicKeys(f)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := qrgen.Parse(text)
		if err != nil {
			if code := qrgen.CodeOf(err); code != "malformed" && code != "unknown_version" {
				t.Fatalf("Parse refuses with %q", code)
			}
			if _, verr := ks.Verify(text, noon, nil); qrgen.CodeOf(verr) != qrgen.CodeOf(err) {
				t.Fatalf("Parse says %v, Verify says %v", err, verr)
			}
			return
		}
		back, err := parsed.Text()
		if err != nil || back != strings.ToUpper(text) {
			t.Fatalf("%q reads as %q, %v", text, back, err)
		}
		got, err := ks.Verify(text, noon, nil)
		var refusal qrgen.Refusal
		errors.As(err, &refusal)
		if (err == nil || refusal.Authentic()) != (got == parsed.Token) {
			t.Fatalf("Verify gives %+v beside %v", got, err)
		}
	})
}
