package vault_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

func (s *shelf) Dated(_ context.Context, person uuid.UUID, since int64) (found []registry.Sealed, err error) {
	for _, field := range slices.Sorted(maps.Keys(s.values[person])) {
		if v := s.values[person][field]; v.Made > 0 && v.Made >= since {
			found = append(found, v)
		}
	}
	return found, nil
}

// DatedByAlias has an alias for each person that is the same id.
func (s *shelf) DatedByAlias(ctx context.Context, aliases []uuid.UUID, since int64) (map[uuid.UUID][]registry.Sealed, error) {
	found := make(map[uuid.UUID][]registry.Sealed)
	for _, alias := range aliases {
		if values, err := s.Dated(ctx, alias, since); err != nil || values != nil {
			found[alias] = values
		}
	}
	return found, nil
}

func TestDeclarationField(t *testing.T) {
	field := vault.DeclarationField("2021-12-03", "general")
	if day, form, is := field.Declaration(); field != "declaration/2021-12-03/general" || !is || day != "2021-12-03" || form != "general" {
		t.Errorf("%s is of %q with %q, %v", field, day, form, is)
	}
	for _, field := range append(vault.Fields(), "declaration/2021-12-03") {
		if _, _, is := field.Declaration(); is {
			t.Errorf("%s is taken for a declaration", field)
		}
	}
}

func TestDeclare(t *testing.T) {
	r := newRoom(t)
	ctx, child := t.Context(), uuid.UUID{9}
	today, before := vault.DeclarationField("2021-12-03", "general"), vault.DeclarationField("2021-12-02", "general")
	must(t, r.Put(ctx, somebody, vault.Details{vault.Phone: "0912345678"}))
	must(t, r.Declare(ctx, []uuid.UUID{somebody}, before, "cough", 100))
	must(t, r.Declare(ctx, []uuid.UUID{somebody, child}, today, "nothing", 200))
	want := func(person uuid.UUID, since int64, want vault.Details) {
		t.Helper()
		got, err := r.Declared(ctx, person, since)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%d declarations, %v; want %d", len(got), err, len(want))
		}
	}
	want(somebody, 0, vault.Details{before: "cough", today: "nothing"})
	want(somebody, 101, vault.Details{today: "nothing"})
	by, err := r.DeclaredBy(ctx, []uuid.UUID{somebody, child, {77}}, 101)
	if err != nil || len(by) != 2 || by[somebody][today] != "nothing" || len(by[somebody]) != 1 || by[child][today] != "nothing" {
		t.Errorf("of %d it is known, %v", len(by), err)
	}
	want(child, 0, vault.Details{today: "nothing"})
	must(t, r.Declare(ctx, []uuid.UUID{somebody}, today, "fever", 300))
	want(somebody, 101, vault.Details{today: "fever"})
	want(child, 0, vault.Details{today: "nothing"})
	if len(r.log) != 0 {
		t.Errorf("the log has %d entries of what nobody else has read", len(r.log))
	}
	if got := r.opened(t); !maps.Equal(got, vault.Details{vault.Phone: "0912345678", before: "cough", today: "fever"}) {
		t.Errorf("an opening shows %d details", len(got))
	}

	// A declaration is of its person, its day and its form.
	sealed := r.values[somebody][string(today)]
	for _, moved := range []registry.Sealed{{Person: child, Field: sealed.Field}, {Person: somebody, Field: string(before)}} {
		moved.Value, moved.Key, moved.Made = sealed.Value, sealed.Key, sealed.Made
		must(t, r.PutSealed(ctx, []registry.Sealed{moved}, true))
	}
	want(child, 0, vault.Details{today: ""})
	want(somebody, 0, vault.Details{before: "", today: "fever"})
	if got := r.opened(t); !maps.Equal(got, vault.Details{vault.Phone: "0912345678", before: "", today: "fever"}) {
		t.Errorf("beside one that cannot be read an opening shows %d details", len(got))
	}
	if err := r.Declare(ctx, []uuid.UUID{somebody}, today, strings.Repeat("x", vault.LongestText+1), 1); !errors.Is(err, vault.ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}
