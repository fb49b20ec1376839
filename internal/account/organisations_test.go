package account

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestOrganisations(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	part, err := o.Organisations(ctx, o.admin, registry.Cursor{Limit: 10})
	if err != nil || len(part.Records) != 1 || part.Next || part.Previous {
		t.Fatalf("%+v, %v", part, err)
	}
	seen, err := o.Organisation(ctx, o.admin, o.organisation)
	if err != nil || seen != part.Records[0] {
		t.Errorf("%+v, %v", seen, err)
	}
	wish := seen
	for _, name := range []string{"", " \t", strings.Repeat("ố", 201), "a\nb", "\xff"} {
		wish.Name = name
		if err := o.Rename(ctx, o.admin, wish); !errors.Is(err, ErrOrganisation) {
			t.Errorf("%.9q: %v", name, err)
		}
	}
	wish.Name = " Chợ mới "
	if err := o.Rename(ctx, o.admin, wish); err != nil {
		t.Fatal(err)
	}
	if now, err := o.Organisation(ctx, o.admin, o.organisation); err != nil || now.Name != "Chợ mới" || now.Revision != seen.Revision+1 {
		t.Errorf("%+v, %v", now, err)
	}
	if err := o.Rename(ctx, o.admin, wish); !errors.Is(err, registry.ErrChanged) {
		t.Errorf("on what it was before: %v", err)
	}
	wish.ID = uuid.New()
	if err := o.Rename(ctx, o.admin, wish); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	for _, who := range []registry.Account{o.owner, o.city, o.district, o.ward, {}} {
		_, listed := o.Organisations(ctx, who, registry.Cursor{Limit: 1})
		_, seen := o.Organisation(ctx, who, o.organisation)
		for what, err := range map[string]error{"lists": listed, "sees": seen, "renames": o.Rename(ctx, who, wish)} {
			if !errors.Is(err, ErrNotGranted) {
				t.Errorf("%q %s organisations: %v", who.Role, what, err)
			}
		}
	}
	if told := strings.Join(o.told(), "\n"); strings.Count(told, "organisation_renamed") != 1 || strings.Contains(told, "Chợ mới") {
		t.Errorf("the audit log has %s", told)
	}
}
