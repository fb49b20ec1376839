package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutApplication adds an application where fewer than most wait, together with its audit entry, and drops those that had expired when
// it was made. The errors: registry.ErrFull, registry.ErrExists for an id or a token that is there, ErrDangling for an area that is
// not.
func (s *Store) PutApplication(
	ctx context.Context, a registry.Application, most int, seal registry.AuditSeal, entry registry.AuditEntry,
) error {
	return s.change(ctx, "putting an application", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM applications WHERE expires <= ?`, a.Created); err != nil {
			return err
		}
		var waiting int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM applications`).Scan(&waiting); err != nil {
			return err
		}
		if waiting >= most {
			return registry.ErrFull
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO applications (id, token, name, address, area, contact, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(a.ID), a.TokenHash, a.Name, a.Address, optionalText(a.Area), a.Contact, a.Created, a.Expires)
		if err != nil {
			return err
		}
		_, err = appendAudit(ctx, tx, seal, entry)
		return err
	})
}

const selectApplications = `
	SELECT id, token, name, address, COALESCE(area, ''), contact, created, expires FROM applications WHERE expires > ?`

func readApplication(r row) (a registry.Application, err error) {
	err = r.Scan(&a.ID, &a.TokenHash, &a.Name, &a.Address, &a.Area, &a.Contact, &a.Created, &a.Expires)
	return a, err
}

// Application returns an application that has not expired at now.
func (s *Store) Application(ctx context.Context, id uuid.UUID, now int64) (registry.Application, error) {
	return one("reading an application", readApplication, s.reader.QueryRowContext(ctx, selectApplications+` AND id = ?`, now, blob(id)))
}

// ApplicationOf returns the application whose token has that hash and which has not expired at now.
func (s *Store) ApplicationOf(ctx context.Context, tokenHash []byte, now int64) (registry.Application, error) {
	return one("reading the application of a token", readApplication,
		s.reader.QueryRowContext(ctx, selectApplications+` AND token = ?`, now, tokenHash))
}

// Applications returns those that have not expired at now, the oldest first.
func (s *Store) Applications(ctx context.Context, now int64) ([]registry.Application, error) {
	found, err := list(ctx, s.reader, ask(selectApplications+` ORDER BY created, id`, now), readApplication)
	return found, fault("reading applications", err)
}

// DropApplication removes an application; registry.ErrNotFound where it is gone.
func (s *Store) DropApplication(ctx context.Context, id uuid.UUID) error {
	return s.change(ctx, "dropping an application", func(tx *sql.Tx) error { return dropApplication(ctx, tx, id) })
}

func dropApplication(ctx context.Context, tx *sql.Tx, id uuid.UUID) error {
	return affect(tx.ExecContext(ctx, `DELETE FROM applications WHERE id = ?`, blob(id)))
}

// Admit removes an application and adds its organisation and the invitation of its first owner, all or nothing. Of two calls one
// alone gets nil, the other registry.ErrNotFound.
func (s *Store) Admit(ctx context.Context, id uuid.UUID, o registry.Organisation, i registry.Invitation) error {
	return s.change(ctx, "admitting an organisation", func(tx *sql.Tx) error {
		if err := dropApplication(ctx, tx, id); err != nil {
			return err
		}
		if err := insert(ctx, tx, organisationRows, []registry.Organisation{o}, organisationValues); err != nil {
			return err
		}
		return insertInvitation(ctx, tx, i)
	})
}

// PutLogo keeps the picture of an organisation in place of the one before; none where it is empty. The error is
// registry.ErrDangling for an organisation that is not there.
func (s *Store) PutLogo(ctx context.Context, organisation uuid.UUID, png []byte) error {
	return s.change(ctx, "putting a logo", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM logos WHERE organisation = ?`, blob(organisation))
		if err != nil || len(png) == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO logos (organisation, png) VALUES (?, ?)`, blob(organisation), png)
		return err
	})
}

// Logo returns the picture of an organisation; registry.ErrNotFound where it has none.
func (s *Store) Logo(ctx context.Context, organisation uuid.UUID) ([]byte, error) {
	return one("reading a logo", func(r row) (png []byte, err error) {
		err = r.Scan(&png)
		return png, err
	}, s.reader.QueryRowContext(ctx, `SELECT png FROM logos WHERE organisation = ?`, blob(organisation)))
}

// ordersKept is how many print orders of an organisation are kept, the newest.
const ordersKept = 20

// PutPrintOrder adds a print order, and drops those that had expired when it was made and the oldest of an organisation that has
// very many. The errors: registry.ErrExists, and ErrDangling for an organisation that is not there.
func (s *Store) PutPrintOrder(ctx context.Context, o registry.PrintOrder) error {
	return s.change(ctx, "putting a print order", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM print_orders WHERE expires <= ?`, o.Created); err != nil {
			return err
		}
		places := make([]byte, 0, len(o.Places)*16)
		for _, id := range o.Places {
			places = append(places, id[:]...)
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO print_orders (id, organisation, format, language, files, places, count, created, expires)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(o.ID), blob(o.Organisation), o.Format, o.Language, o.Files, places, len(o.Places), o.Created, o.Expires)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			DELETE FROM print_orders WHERE organisation = ? AND id NOT IN (
				SELECT id FROM print_orders WHERE organisation = ? ORDER BY created DESC, id DESC LIMIT ?)`,
			blob(o.Organisation), blob(o.Organisation), ordersKept)
		return err
	})
}

// PrintOrder returns a print order that has not expired at now.
func (s *Store) PrintOrder(ctx context.Context, id uuid.UUID, now int64) (registry.PrintOrder, error) {
	return one("reading a print order", func(r row) (o registry.PrintOrder, err error) {
		var places []byte
		err = r.Scan(&o.ID, &o.Organisation, &o.Format, &o.Language, &o.Files, &places, &o.Count, &o.Created, &o.Expires)
		if err == nil && len(places) != 16*o.Count {
			err = fmt.Errorf("%d bytes of %d places", len(places), o.Count)
		}
		for i := 0; err == nil && i < len(places); i += 16 {
			o.Places = append(o.Places, uuid.UUID(places[i:i+16]))
		}
		return o, err
	}, s.reader.QueryRowContext(ctx, `
		SELECT id, organisation, format, language, files, places, count, created, expires
		FROM print_orders WHERE id = ? AND expires > ?`, blob(id), now))
}

// PrintOrders returns those of an organisation that have not expired at now, the newest first, without their places.
func (s *Store) PrintOrders(ctx context.Context, organisation uuid.UUID, now int64) ([]registry.PrintOrder, error) {
	orders, err := list(ctx, s.reader, ask(`
		SELECT id, organisation, format, language, files, count, created, expires
		FROM print_orders WHERE organisation = ? AND expires > ? ORDER BY created DESC, id DESC`, blob(organisation), now),
		func(r row) (o registry.PrintOrder, err error) {
			err = r.Scan(&o.ID, &o.Organisation, &o.Format, &o.Language, &o.Files, &o.Count, &o.Created, &o.Expires)
			return o, err
		})
	return orders, fault("reading print orders", err)
}
