package registry

import "github.com/google/uuid"

// Turn is one process's right to do, alone among all, what is named. It ends by itself, as when its holder dies.
type Turn struct {
	Name   string
	Holder uuid.UUID // made up by the process for this turn
	Until  int64
}

// AuditFilter says which entries of the audit log are looked for. What is empty or 0 says nothing.
type AuditFilter struct {
	Actor, Action, Subject string // exactly so
	From, To               int64  // entered in [From, To)
}
