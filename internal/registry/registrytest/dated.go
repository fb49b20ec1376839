package registrytest

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Dated are the details that are kept for as long as scans, and the forms that they were given to.
type Dated interface {
	Dated(ctx context.Context, person uuid.UUID, since int64) ([]registry.Sealed, error)
	DatedByAlias(ctx context.Context, aliases []uuid.UUID, since int64) (map[uuid.UUID][]registry.Sealed, error)
	DropDatedOf(ctx context.Context, people []uuid.UUID) error
	CountDatedBefore(ctx context.Context, before int64) (int64, error)
	DropDatedBefore(ctx context.Context, before int64, limit int) (int64, error)
	PutForms(ctx context.Context, forms []registry.Form) error
	Forms(ctx context.Context) ([]registry.Form, error)
}

func dated(person uuid.UUID, field string, made int64) registry.Sealed {
	return registry.Sealed{Person: person, Field: field, Key: 1, Value: []byte{7}, Made: made}
}

func testDated(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := id(0xd0, 1), id(0xd0, 2)
	card, phone1, phone2 := id(0xe0, 1), id(0xe0, 2), id(0xe0, 3)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: a}, {ID: b}}, []registry.Link{
		{Alias: card, Person: a, Kind: "id_card"}, {Alias: phone1, Person: a, Kind: "phone"}, {Alias: phone2, Person: b, Kind: "phone"},
	}))
	wantValue(t, []registry.Sealed{})(s.Dated(ctx, a, 0))
	phone, first, second, others := sealed(a, "phone", 1, 2), dated(a, "x/1", 100), dated(a, "x/2", 200), dated(b, "x/2", 150)
	must(t, s.PutSealed(ctx, []registry.Sealed{second, phone, first, others}, true))
	for since, want := range map[int64][]registry.Sealed{0: {first, second}, 100: {first, second}, 101: {second}, 201: {}} {
		wantValue(t, want)(s.Dated(ctx, a, since))
	}
	byAlias := map[uuid.UUID][]registry.Sealed{card: {second}, phone1: {second}}
	wantValue(t, byAlias)(s.DatedByAlias(ctx, []uuid.UUID{phone2, phone1, card, id(0xe0, 9)}, 151))
	wantValue(t, map[uuid.UUID][]registry.Sealed{phone2: {others}})(s.DatedByAlias(ctx, []uuid.UUID{phone2}, 0))
	wantValue(t, map[uuid.UUID][]registry.Sealed{})(s.DatedByAlias(ctx, nil, 0))
	again := second
	again.Value, again.Made = []byte{8}, 300
	must(t, s.PutSealed(ctx, []registry.Sealed{again}, false))
	wantValue(t, []registry.Sealed{second})(s.Dated(ctx, a, 101))
	must(t, s.PutSealed(ctx, []registry.Sealed{again}, true))
	wantValue(t, []registry.Sealed{again})(s.Dated(ctx, a, 101))

	// Sealed anew they are as old as before, and an opening has them.
	anew := again
	anew.Key, anew.Value = 2, []byte{9}
	wantValue(t, 1)(s.Reseal(ctx, []registry.Sealed{again}, []registry.Sealed{anew}))
	wantValue(t, []registry.Sealed{first, anew})(s.Dated(ctx, a, 0))
	entry := func([]registry.Opening) []registry.AuditEntry {
		return []registry.AuditEntry{{Action: "details_opened"}}
	}
	wantValue(t, []registry.Sealed{phone, first, anew})(s.OpenSealed(ctx, registry.Opening{Person: a}, 0, plainSeal, entry))

	for before, want := range map[int64]int64{100: 0, 101: 1, 300: 2, 301: 3} {
		wantValue(t, want)(s.CountDatedBefore(ctx, before))
	}
	wantValue(t, int64(0))(s.DropDatedBefore(ctx, 100, 10))
	wantValue(t, int64(1))(s.DropDatedBefore(ctx, 300, 1))
	wantValue(t, int64(1))(s.DropDatedBefore(ctx, 300, 10))
	wantValue(t, []registry.Sealed{phone, anew})(s.WalkSealed(ctx, registry.Sealed{}, 10))

	must(t, s.PutSealed(ctx, []registry.Sealed{others}, true))
	must(t, s.DropDatedOf(ctx, []uuid.UUID{a, id(0xd0, 9)}))
	must(t, s.DropDatedOf(ctx, nil))
	wantValue(t, []registry.Sealed{phone, others})(s.WalkSealed(ctx, registry.Sealed{}, 10))
	must(t, s.Forget(ctx, []uuid.UUID{b}))
	wantValue(t, []registry.Sealed{})(s.Dated(ctx, b, 0))
}

func testForms(t *testing.T, s Store) {
	ctx := t.Context()
	wantValue(t, []registry.Form{})(s.Forms(ctx))
	one, two := registry.Form{Name: "general", Version: 1, Body: []byte(`{"a":1}`)}, registry.Form{Name: "general", Version: 2, Body: []byte(`{"a":2}`)}
	bus := registry.Form{Name: "bus", Version: 10, Body: []byte("b")}
	must(t, s.PutForms(ctx, []registry.Form{two, bus}))
	must(t, s.PutForms(ctx, []registry.Form{one, two})) // as every server does that begins
	all := []registry.Form{bus, one, two}
	wantValue(t, all)(s.Forms(ctx))
	changed := two
	changed.Body = []byte(`{"a":3}`)
	more := registry.Form{Name: "ship", Version: 1}
	wantError(t, s.PutForms(ctx, []registry.Form{more, changed}), registry.ErrExists)
	wantValue(t, all)(s.Forms(ctx))
	for _, err := range atOnce(4, func(int) error {
		return s.PutForms(ctx, []registry.Form{{Name: "ship", Version: 1, Body: []byte("b")}})
	}) {
		must(t, err)
	}
}
