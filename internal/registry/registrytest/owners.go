package registrytest

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Owners are what organisations ask for and keep.
type Owners interface {
	PutApplication(ctx context.Context, a registry.Application, most int, seal registry.AuditSeal, entry registry.AuditEntry) error
	Application(ctx context.Context, id uuid.UUID, now int64) (registry.Application, error)
	ApplicationOf(ctx context.Context, tokenHash []byte, now int64) (registry.Application, error)
	Applications(ctx context.Context, now int64) ([]registry.Application, error)
	DropApplication(ctx context.Context, id uuid.UUID) error
	Admit(ctx context.Context, id uuid.UUID, o registry.Organisation, i registry.Invitation) error

	PutLogo(ctx context.Context, organisation uuid.UUID, png []byte) error
	Logo(ctx context.Context, organisation uuid.UUID) ([]byte, error)

	PutPrintOrder(ctx context.Context, o registry.PrintOrder) error
	PrintOrder(ctx context.Context, id uuid.UUID, now int64) (registry.PrintOrder, error)
	PrintOrders(ctx context.Context, organisation uuid.UUID, now int64) ([]registry.PrintOrder, error)
}

func application(n byte, created int64) registry.Application {
	return registry.Application{
		ID: id(0x30, n), TokenHash: bytes.Repeat([]byte{n}, 32), Name: "Quán cô Tư", Address: "1 Hàng Đậu", Area: "00001",
		Contact: []byte{1, 2, n}, Created: created, Expires: created + 100,
	}
}

var applied = registry.AuditEntry{At: 5, Action: "application_made"}

func testApplications(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	first, second := application(1, 10), application(2, 20)
	second.Area = ""
	must(t, s.PutApplication(ctx, second, 2, plainSeal, applied))
	must(t, s.PutApplication(ctx, first, 2, plainSeal, applied))
	wantError(t, s.PutApplication(ctx, application(3, 109), 2, plainSeal, applied), registry.ErrFull)
	same := application(3, 30)
	same.TokenHash = first.TokenHash
	wantError(t, s.PutApplication(ctx, same, 3, plainSeal, applied), registry.ErrExists)
	nowhere := application(4, 30)
	nowhere.Area = "99999"
	wantError(t, s.PutApplication(ctx, nowhere, 3, plainSeal, applied), registry.ErrDangling)

	wantValue(t, first)(s.Application(ctx, first.ID, 109))
	wantValue(t, second)(s.ApplicationOf(ctx, second.TokenHash, 109))
	wantValue(t, []registry.Application{first, second})(s.Applications(ctx, 109))
	wantValue(t, []registry.Application{second})(s.Applications(ctx, 110))
	_, err := s.Application(ctx, first.ID, 110)
	wantError(t, err, registry.ErrNotFound)
	_, err = s.ApplicationOf(ctx, first.TokenHash, 110)
	wantError(t, err, registry.ErrNotFound)

	must(t, s.DropApplication(ctx, second.ID))
	wantError(t, s.DropApplication(ctx, second.ID), registry.ErrNotFound)
	must(t, s.PutApplication(ctx, application(5, 110), 2, plainSeal, applied)) // first has expired, and goes
	wantError(t, s.DropApplication(ctx, first.ID), registry.ErrNotFound)

	entries, err := s.AuditEntries(ctx, 0, 10)
	if err != nil || len(entries) != 3 { // none of those that were refused
		t.Errorf("%d entries, %v", len(entries), err)
	}
	ending, cancel := context.WithCancel(ctx)
	unentered := application(6, 110)
	err = s.PutApplication(ending, unentered, 9, func([]byte, registry.AuditEntry) []byte {
		cancel()
		return nil
	}, applied)
	if err == nil {
		t.Error("applied without an entry")
	}
	_, err = s.Application(ctx, unentered.ID, 110)
	wantError(t, err, registry.ErrNotFound)
}

func testAdmit(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	a := application(1, 10)
	must(t, s.PutApplication(ctx, a, 2, plainSeal, applied))
	begun := registry.Organisation{ID: id(0xa0, 7), Name: a.Name, Created: 11}
	invitation := registry.Invitation{
		ID: id(0x20, 1), TokenHash: a.TokenHash, Role: registry.RoleOwner, Organisation: begun.ID, Proposed: officer.ID, Created: 11, Expires: 90,
	}
	taken := begun
	taken.ID = organisation.ID
	wantError(t, s.Admit(ctx, a.ID, taken, invitation), registry.ErrExists)
	wantValue(t, a)(s.Application(ctx, a.ID, 20))

	var group sync.WaitGroup
	faults := make([]error, 2)
	for i := range faults {
		group.Go(func() { faults[i] = s.Admit(ctx, a.ID, begun, invitation) })
	}
	group.Wait()
	if faults[0] != nil {
		faults[0], faults[1] = faults[1], faults[0]
	}
	must(t, faults[0])
	wantError(t, faults[1], registry.ErrNotFound)
	wantValue(t, begun)(s.Organisation(ctx, begun.ID))
	wantValue(t, invitation)(s.InvitationOf(ctx, a.TokenHash, 20))
}

func testLogos(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	_, err := s.Logo(ctx, organisation.ID)
	wantError(t, err, registry.ErrNotFound)
	wantError(t, s.PutLogo(ctx, id(0xa0, 9), []byte{1}), registry.ErrDangling)
	for _, png := range [][]byte{{1, 2, 3}, {4}} {
		must(t, s.PutLogo(ctx, organisation.ID, png))
		wantValue(t, png)(s.Logo(ctx, organisation.ID))
	}
	must(t, s.PutLogo(ctx, organisation.ID, nil))
	_, err = s.Logo(ctx, organisation.ID)
	wantError(t, err, registry.ErrNotFound)
}

func testPrintOrders(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	order := func(n byte, created int64) registry.PrintOrder {
		return registry.PrintOrder{
			ID: id(0x40, n), Organisation: organisation.ID, Format: "A6", Language: "vi", Files: "book",
			Places: []uuid.UUID{id(0xc0, 2), id(0xc0, 1)}, Count: 2, Created: created, Expires: created + 100,
		}
	}
	first := order(1, 10)
	must(t, s.PutPrintOrder(ctx, first))
	wantError(t, s.PutPrintOrder(ctx, first), registry.ErrExists)
	stranger := order(9, 10)
	stranger.Organisation = id(0xa0, 9)
	wantError(t, s.PutPrintOrder(ctx, stranger), registry.ErrDangling)
	wantValue(t, first)(s.PrintOrder(ctx, first.ID, 109))
	_, err := s.PrintOrder(ctx, first.ID, 110)
	wantError(t, err, registry.ErrNotFound)

	second, listed := order(2, 20), order(2, 20)
	must(t, s.PutPrintOrder(ctx, second))
	listed.Places = nil
	wantValue(t, []registry.PrintOrder{listed})(s.PrintOrders(ctx, organisation.ID, 110))
	wantValue(t, []registry.PrintOrder{})(s.PrintOrders(ctx, id(0xa0, 9), 50))
	for n := range byte(20) { // more than are kept
		must(t, s.PutPrintOrder(ctx, order(100+n, 30)))
	}
	_, err = s.PrintOrder(ctx, second.ID, 50)
	wantError(t, err, registry.ErrNotFound)
	_, err = s.PrintOrder(ctx, order(100, 30).ID, 50)
	must(t, err)
}
