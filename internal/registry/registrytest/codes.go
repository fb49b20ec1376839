package registrytest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func codesOf(t *testing.T, s Store) func() ([]registry.Code, error) {
	return func() ([]registry.Code, error) {
		g, err := s.Gazetteer(t.Context(), -1)
		return g.Codes, err
	}
}

func testCodes(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil), place(2, uuid.Nil)}))
	codes := codesOf(t, s)
	wantValue(t, []registry.Code{})(codes())
	code := registry.Code{Place: id(0xc0, 1), Serial: 3, Issued: 5}
	other := registry.Code{Place: id(0xc0, 1), Serial: 4_000_000_000, Issued: 7, Ends: 90, Revoked: true}
	elsewhere := registry.Code{Place: id(0xc0, 2), Serial: 3, Ends: 8}
	for _, c := range []registry.Code{elsewhere, other, code} {
		must(t, s.PutCode(ctx, c))
	}
	wantValue(t, []registry.Code{code, other, elsewhere})(codes())
	for _, step := range []struct {
		name    string
		ends    int64
		revoked bool
		want    registry.Code
	}{
		{"it ends", 60, false, registry.Code{Ends: 60}},
		{"later", 70, true, registry.Code{Ends: 60}},
		{"at the same time", 60, true, registry.Code{Ends: 60}},
		{"never", 0, false, registry.Code{Ends: 60}},
		{"earlier, by its owner", 50, true, registry.Code{Ends: 50, Revoked: true}},
		{"later, by the next", 55, false, registry.Code{Ends: 50, Revoked: true}},
	} {
		must(t, s.PutCode(ctx, registry.Code{Place: code.Place, Serial: code.Serial, Issued: 99, Ends: step.ends, Revoked: step.revoked}))
		code.Ends, code.Revoked = step.want.Ends, step.want.Revoked // when it was issued is known already
		t.Log(step.name)
		wantValue(t, []registry.Code{code, other, elsewhere})(codes())
	}
	wantError(t, s.PutCode(ctx, registry.Code{Place: id(0xc0, 9), Serial: 1}), registry.ErrDangling)
}

func testSucceed(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	p, other := place(1, uuid.Nil), place(2, uuid.Nil)
	must(t, s.PutPlaces(ctx, []registry.Place{p, other}))
	code := func(p registry.Place, serial uint32, ends int64) registry.Code {
		return registry.Code{Place: p.ID, Serial: serial, Issued: int64(serial), Ends: ends}
	}
	next := func(before registry.Code) error {
		p.Serial = before.Serial + 1
		err := s.Succeed(ctx, p, before)
		if err == nil {
			p.Revision++
		}
		return err
	}
	codes := codesOf(t, s)
	must(t, s.PutCode(ctx, code(other, 1, 0)))
	must(t, next(code(p, 7, 0)))
	must(t, next(code(p, 8, 90)))
	wantValue(t, []registry.Code{code(p, 7, 90), code(p, 8, 90), code(other, 1, 0)})(codes())
	must(t, next(code(p, 9, 50)))
	wantValue(t, []registry.Code{code(p, 7, 50), code(p, 8, 50), code(p, 9, 50), code(other, 1, 0)})(codes())
	must(t, next(code(p, 10, 70)))
	wantValue(t, []registry.Code{code(p, 7, 50), code(p, 8, 50), code(p, 9, 50), code(p, 10, 70), code(other, 1, 0)})(codes())
	wantValue(t, p)(s.Place(ctx, p.ID))

	stale := p
	stale.Revision--
	wantError(t, s.Succeed(ctx, stale, code(p, 11, 5)), registry.ErrChanged)
	wantError(t, s.Succeed(ctx, place(9, uuid.Nil), code(place(9, uuid.Nil), 1, 5)), registry.ErrNotFound)
	wantError(t, s.Succeed(ctx, p, code(place(9, uuid.Nil), 11, 5)), registry.ErrDangling)
	wantValue(t, p)(s.Place(ctx, p.ID))
}
