package citizen

import (
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
)

const (
	// UndoFor is how long after it somebody may take back a check-in of their own.
	UndoFor = time.Minute
	// UndoGrace is how much later that may arrive: networks are slow.
	UndoGrace = 30 * time.Second
)

// ErrCompanion refuses a tap that names somebody whom the phone does not know.
var ErrCompanion = errs.New(errs.Invalid, "companion_unknown", "This phone does not know who else was there; check in together again.")

// ErrUndoLate refuses to take back what was recorded longer than UndoFor ago.
var ErrUndoLate = errs.New(errs.Gone, "undo_too_late", "A check-in can be taken back for one minute; this one stays.")

// companionContext goes before what the id of a companion's scan is made from.
const companionContext = "truyvet/companion/v1"

// CompanionScan returns the id of the scan of somebody who is there in the same tap, made from that of who has the phone, and whose
// it is. It is of the same time where the id tells one: a UUIDv7 gives a UUIDv7. So what takes a tap back can name the scans
// of all, and a tap that is sent again makes no other ones.
func CompanionScan(id, companion uuid.UUID) uuid.UUID {
	sum := sha256.Sum256(append(append([]byte(companionContext), id[:]...), companion[:]...))
	made := id
	copy(made[6:], sum[:])
	made[6] = made[6]&0x0f | id[6]&0xf0 // version and variant stay (RFC 9562, sections 4.1 and 4.2)
	made[8] = made[8]&0x3f | id[8]&0xc0
	return made
}
