package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/truyvet/truyvet/internal/registry"
)

const selectAudit = `SELECT seq, entered, actor, action, subject, detail, seal FROM audit`

func readAuditEntry(r row) (e registry.AuditEntry, err error) {
	err = r.Scan(&e.Seq, &e.At, &e.Actor, &e.Action, &e.Subject, &e.Detail, &e.Seal)
	return e, err
}

// AppendAudit adds an entry at the end of the audit log and returns it as it is stored. In one transaction it reads the
// last entry, gives e the next seq (the first is 1), asks seal for the seal of e given that of the entry before (nil for
// the first), and inserts it. Seal must return soon: every other change waits.
func (s *Store) AppendAudit(
	ctx context.Context, seal func(prev []byte, e registry.AuditEntry) []byte, e registry.AuditEntry,
) (registry.AuditEntry, error) {
	err := s.change(ctx, "appending to the audit log", func(tx *sql.Tx) (err error) {
		e, err = appendAudit(ctx, tx, seal, e)
		return err
	})
	if err != nil {
		return registry.AuditEntry{}, err
	}
	return e, nil
}

// appendAudit is AppendAudit within a change, for what must not be done without its entry.
func appendAudit(ctx context.Context, tx *sql.Tx, seal registry.AuditSeal, e registry.AuditEntry) (registry.AuditEntry, error) {
	last, err := readAuditEntry(tx.QueryRowContext(ctx, selectAudit+` ORDER BY seq DESC LIMIT 1`))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return e, err
	}
	e.Seq = last.Seq + 1
	e.Seal = seal(last.Seal, e)
	_, err = tx.ExecContext(ctx, `
		INSERT INTO audit (seq, entered, actor, action, subject, detail, seal) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.At, e.Actor, e.Action, e.Subject, e.Detail, bytesOrEmpty(e.Seal))
	return e, err
}

// AuditEntries returns up to limit entries, the newest first, from the one before beforeSeq on; 0 is from the end.
func (s *Store) AuditEntries(ctx context.Context, beforeSeq int64, limit int) ([]registry.AuditEntry, error) {
	if beforeSeq <= 0 {
		beforeSeq = math.MaxInt64
	}
	q := ask(selectAudit+` WHERE seq < ? ORDER BY seq DESC LIMIT ?`, beforeSeq, max(limit, 0))
	entries, err := list(ctx, s.reader, q, readAuditEntry)
	return entries, fault("reading the audit log", err)
}

// FindAudit returns up to limit entries that a filter takes, the newest first, from the one before beforeSeq on; 0 is from the
// end.
func (s *Store) FindAudit(ctx context.Context, f registry.AuditFilter, beforeSeq int64, limit int) ([]registry.AuditEntry, error) {
	if beforeSeq <= 0 {
		beforeSeq = math.MaxInt64
	}
	q := ask(selectAudit+` WHERE seq < ?`, beforeSeq)
	and := func(condition string, value any) {
		q.text += ` AND ` + condition
		q.args = append(q.args, value)
	}
	for _, exact := range []struct{ condition, value string }{
		{`actor = ?`, f.Actor}, {`action = ?`, f.Action}, {`subject = ?`, f.Subject},
	} {
		if exact.value != "" {
			and(exact.condition, exact.value)
		}
	}
	if f.From != 0 {
		and(`entered >= ?`, f.From)
	}
	if f.To != 0 {
		and(`entered < ?`, f.To)
	}
	q.text += ` ORDER BY seq DESC LIMIT ?`
	q.args = append(q.args, max(limit, 0))
	entries, err := list(ctx, s.reader, q, readAuditEntry)
	return entries, fault("looking through the audit log", err)
}

// WalkAudit calls yield with every entry whose seq is from or greater, the oldest first, as the log stands when it begins.
// An error from yield ends the walk and is returned as it is.
func (s *Store) WalkAudit(ctx context.Context, from int64, yield func(registry.AuditEntry) error) error {
	var stopped error
	err := each(ctx, s.reader, ask(selectAudit+` WHERE seq >= ? ORDER BY seq`, from), func(r row) error {
		e, err := readAuditEntry(r)
		if err != nil {
			return err
		}
		stopped = yield(e)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return fault("walking the audit log", err)
}
