package places

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// longestEnd is how far ahead the end of a code may be set: long enough to hang up the posters of a city.
const longestEnd = 366 * 24 * time.Hour

// ErrEnd refuses the end of a code. Compare with errors.Is.
var ErrEnd = errs.New(errs.Invalid, "code_end", "The day on which the old code ends lies ahead, at most a year.")

// State is what has become of a code.
type State string

// The states of a code that this system signed.
const (
	Valid     State = "valid"
	Ending    State = "ending"     // good until an instant
	Replaced  State = "replaced"   // dead, for there is a newer one
	Revoked   State = "revoked"    // dead, for its owner took it back
	Expired   State = "expired"    // the code of a screen that has run out
	Unlisted  State = "unlisted"   // the signature is right, and the register has no such code: a poster made elsewhere
	PlaceGone State = "place_gone" // the signature is right, and the place is not kept here
)

// Good says whether one can check in with a code of the state.
func (s State) Good() bool { return s == Valid || s == Ending || s == Unlisted }

// stateOf returns the state of a code that was issued here.
func stateOf(c registry.Code, now int64) State {
	switch {
	case c.Ends == 0:
		return Valid
	case now < c.Ends:
		return Ending
	case c.Revoked:
		return Revoked
	}
	return Replaced
}

// Issued is a code of a place.
type Issued struct {
	registry.Code
	State State
}

// Codes returns the codes of one of the actor's places, the newest first. What belongs to others is registry.ErrNotFound.
func (s *Service) Codes(actor registry.Account, id uuid.UUID) ([]Issued, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known || !owns(actor, p) {
		return nil, registry.ErrNotFound
	}
	now := s.clock().Unix()
	lives := s.codes[id]
	if _, ends := find(lives, p.Serial); !ends {
		lives = append([]registry.Code{newest(p)}, lives...)
	}
	codes := make([]Issued, len(lives))
	for i, c := range lives {
		codes[i] = Issued{c, stateOf(c, now)}
	}
	slices.SortFunc(codes, func(a, b Issued) int { return cmp.Compare(b.Serial, a.Serial) })
	return codes, nil
}

// newest returns the newest code of a place, which does not end.
func newest(p registry.Place) registry.Code {
	return registry.Code{Place: p.ID, Serial: p.Serial, Issued: p.Issued}
}

// find returns the code of a serial among those of a place.
func find(lives []registry.Code, serial uint32) (registry.Code, bool) {
	i, found := position(lives, serial)
	if !found {
		return registry.Code{}, false
	}
	return lives[i], true
}

// position returns where a serial stands among the codes of a place, or belongs.
func position(lives []registry.Code, serial uint32) (int, bool) {
	return slices.BinarySearchFunc(lives, serial, func(c registry.Code, serial uint32) int { return cmp.Compare(c.Serial, serial) })
}

// Ends returns from when on a serial of a place's code is dead, in UTC seconds; 0 where it does not end. A serial below the newest
// that was never issued here always was; one above it was issued where there is no server, and is good.
func (s *Service) Ends(place uuid.UUID, serial uint32) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ends(place, serial)
}

// ends is Ends. The caller holds the lock.
func (s *Service) ends(place uuid.UUID, serial uint32) int64 {
	if c, found := find(s.codes[place], serial); found {
		return c.Ends
	}
	if serial < s.places[place].Serial {
		return 1
	}
	return 0
}

// Reissue signs the next serial of a place's code. Until is from when on every older code is dead, in UTC seconds; 0 = they are
// when Reissue returns. The errors: registry.ErrNotFound for what belongs to others, registry.ErrChanged where another process was
// faster, and ErrEnd.
func (s *Service) Reissue(ctx context.Context, actor registry.Account, id uuid.UUID, until int64) (registry.Place, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	p, err := s.Place(actor, id)
	if err != nil {
		return registry.Place{}, err
	}
	now := s.clock().Unix()
	if until != 0 && (until <= now || until > now+int64(longestEnd.Seconds())) {
		return registry.Place{}, ErrEnd
	}
	before := newest(p)
	before.Ends = cmp.Or(until, now)
	p.Serial++
	p.Issued = now
	if p.Code, err = s.sign(p); err != nil {
		return registry.Place{}, err
	}
	if err := s.store.Succeed(ctx, p, before); err != nil {
		return registry.Place{}, fmt.Errorf("keeping the new code: %w", err)
	}
	p.Revision++
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold(p)
	s.learn(before)
	lives := s.codes[id]
	for i := range lives {
		if c := &lives[i]; c.Serial < before.Serial && (c.Ends == 0 || c.Ends > before.Ends) {
			c.Ends = before.Ends
		}
	}
	return p, nil
}

// Revoke takes back a serial of a place's code: it is dead when Revoke returns. Where it is the newest, nobody can check in at the
// place until there is another. What was not issued here, and what belongs to others, is registry.ErrNotFound. One that is dead
// stays as it is.
func (s *Service) Revoke(ctx context.Context, actor registry.Account, id uuid.UUID, serial uint32) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	codes, err := s.Codes(actor, id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(codes, func(c Issued) bool { return c.Serial == serial })
	if i < 0 {
		return registry.ErrNotFound
	}
	if !codes[i].State.Good() {
		return nil
	}
	code := codes[i].Code
	code.Ends, code.Revoked = s.clock().Unix(), true
	if err := s.store.PutCode(ctx, code); err != nil {
		return fmt.Errorf("revoking a code: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(code)
	return nil
}

// learn takes over the life of a code as a store does: of what is known the earlier end holds. The caller holds the lock.
func (s *Service) learn(c registry.Code) {
	s.codeChanges.Add(1)
	lives := s.codes[c.Place]
	i, known := position(lives, c.Serial)
	switch {
	case !known:
		s.codes[c.Place] = slices.Insert(lives, i, c)
	case c.Ends != 0 && (lives[i].Ends == 0 || c.Ends < lives[i].Ends):
		lives[i].Ends, lives[i].Revoked = c.Ends, c.Revoked
	}
}

// Checked is what this system knows of a code that it signed.
type Checked struct {
	Token qrgen.Token
	State State
	Until int64  // when it ends or has ended, UTC seconds; 0 where it does not, or that is not known
	Short string // the short code that its poster bears
	Place Name   // empty where State is PlaceGone
}

// Check says what has become of a code, given as its token's text. The error is a qrgen.Refusal for what this system did not sign,
// or does not trust any more.
func (s *Service) Check(text string) (Checked, error) {
	now := s.clock()
	token, err := s.keys.Verify(text, now, nil)
	if err != nil && !errors.Is(err, qrgen.ErrExpired) {
		return Checked{}, fmt.Errorf("checking a code: %w", err)
	}
	checked := Checked{Token: token}
	if checked.Short, err = qrgen.CheckCode(text); err != nil {
		return Checked{}, fmt.Errorf("checking a code: %w", err)
	}
	var known bool
	if checked.Place, known = s.Name(token.Place); !known {
		checked.State = PlaceGone
		return checked, nil
	}
	checked.State, checked.Until = s.stateOfToken(token, now.Unix())
	return checked, nil
}

// stateOfToken returns the state of a token of a known place, and when it ends or ended.
func (s *Service) stateOfToken(token qrgen.Token, now int64) (State, int64) {
	screen := !token.ExpiresAt.IsZero()
	if screen && now >= token.ExpiresAt.Unix() {
		return Expired, token.ExpiresAt.Unix()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.places[token.Place]
	code, recorded := find(s.codes[token.Place], token.Serial)
	if !recorded && token.Serial == p.Serial {
		code, recorded = newest(p), true
	}
	switch {
	case !recorded && token.Serial < p.Serial:
		return Replaced, 0
	case !recorded, !screen && code.Issued != 0 && code.Issued != token.IssuedAt.Unix():
		return Unlisted, 0
	}
	state := stateOf(code, now)
	if screen && state.Good() { // signed anew all the time
		return Ending, token.ExpiresAt.Unix()
	}
	return state, code.Ends
}

const (
	// ScreenLife is how long the code of a screen is good.
	ScreenLife = 90 * time.Second
	// ScreenPace is how often it is signed anew.
	ScreenPace = 30 * time.Second
)

// ScreenCode signs the code that a screen at a place shows. It is the same for all who ask within ScreenPace. The errors:
// registry.ErrNotFound, and qrgen.ErrRevoked where the owner has taken back the newest code and made no other.
func (s *Service) ScreenCode(id uuid.UUID) (text string, token qrgen.Token, err error) {
	s.mu.RLock()
	p, known := s.places[id]
	ends := s.ends(id, p.Serial)
	s.mu.RUnlock()
	if !known {
		return "", qrgen.Token{}, registry.ErrNotFound
	}
	now := s.clock()
	if ends != 0 && now.Unix() >= ends {
		return "", qrgen.Token{}, qrgen.ErrRevoked
	}
	issued := now.UTC().Truncate(ScreenPace)
	token = qrgen.Token{Kind: p.Kind, Place: p.ID, IssuedAt: issued, ExpiresAt: issued.Add(ScreenLife), Serial: p.Serial}
	if text, err = s.keys.Sign(token); err != nil {
		return "", qrgen.Token{}, fmt.Errorf("signing the code of a screen: %w", err)
	}
	return text, token, nil
}
