package audit

import "github.com/truyvet/truyvet/internal/registry"

// Entry makes the entry that [Log.Append] would write, for a store that appends it within a change of its own: what must not be
// done without its entry.
func (l *Log) Entry(actor, action, subject, detail string) registry.AuditEntry {
	return registry.AuditEntry{
		At: l.clock().Unix(), Actor: storable(actor), Action: storable(action), Subject: storable(subject), Detail: storable(detail),
	}
}

// Seal returns the seal of an entry, given that of the entry before; nil for the first. It is a registry.AuditSeal.
func (l *Log) Seal(prev []byte, e registry.AuditEntry) []byte { return l.seal(prev, e) }
