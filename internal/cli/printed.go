package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// newPlacesPrintedCmd takes in the list of posters that were drawn without a server.
func newPlacesPrintedCmd(s *settings) *cobra.Command {
	var organisation string
	cmd := &cobra.Command{
		Use:   "printed FILE.csv --organisation ID",
		Short: "Take in the posters that `truyvet qr poster` drew without a server",
		Long: "Take in the list of places that `truyvet qr poster` drew posters of, while a server may run: their places and serials are\n" +
			"then in the register. Of a place that there is the posters of before stay good beside the new ones. A row that cannot be\n" +
			"taken in is named with the reason, and all others go in; then the exit code is 3. The same list may be given again.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withOfficeFor(cmd, organisation, func(o *app.Office, id uuid.UUID) error {
				if _, err := o.Registry.Organisation(cmd.Context(), id); err != nil {
					return err
				}
				register, err := o.Register()
				if err != nil {
					return err
				}
				added, refused, err := enterPrinted(cmd, register, id, args[0])
				if added > 0 {
					err = errors.Join(err, o.Audit.Append(context.WithoutCancel(cmd.Context()), "system", "codes_imported", id.String(),
						fmt.Sprintf("%d added, %d refused", added, refused)))
				}
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d codes added, %d rows refused\n", added, refused)
				}
				if err == nil && refused > 0 {
					err = &ExitError{Code: ExitRefused, Err: fmt.Errorf("%d rows were refused", refused)}
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&organisation, "organisation", "", "id of the organisation whose places they are")
	s.addFlags(cmd)
	return cmd
}

// enterPrinted enters each row of a list.
func enterPrinted(cmd *cobra.Command, r *places.Register, organisation uuid.UUID, path string) (added, refused int, err error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	err = readRows(path, in, posterColumns, func(row *csvTable, fault error) error {
		var printed places.Printed
		if fault == nil {
			printed, fault = printedOf(row)
		}
		if fault == nil {
			isNew, err := r.Enter(cmd.Context(), organisation, printed)
			if err != nil {
				if kind := errs.Of(err).Kind; kind == errs.Internal || kind == errs.Unavailable {
					return err
				}
				fault = fmt.Errorf("%s:%d: %s", path, row.line(), errs.Of(err).Message)
			} else if isNew {
				added++
			}
		}
		if fault != nil {
			refused++
			fmt.Fprintln(cmd.ErrOrStderr(), fault)
		}
		return cmd.Context().Err()
	})
	return added, refused, err
}

// printedOf reads a row of the list that posters are drawn of. The part goes into the name, as no tree can be told from the list.
func printedOf(row *csvTable) (p places.Printed, err error) {
	if p.Place, err = uuid.Parse(row.field("place_id")); err != nil || p.Place == uuid.Nil {
		return p, row.fault("place_id", errors.New("is not a UUID"))
	}
	if p.Kind, err = qrgen.ParseKind(row.field("kind")); err != nil {
		return p, row.fault("kind", fmt.Errorf("%w (known: %s)", err, qrKindNames()))
	}
	serial, err := strconv.ParseUint(row.field("serial"), 10, 32)
	if err != nil {
		return p, row.fault("serial", fmt.Errorf("is not a number from 0 to %d", uint32(math.MaxUint32)))
	}
	p.Serial = uint32(serial)
	if p.Issued, err = row.instant("issued"); err != nil {
		return p, err
	}
	p.Name, p.Address = strings.Clone(row.field("name")), strings.Clone(row.field("address"))
	if part := row.field("part"); part != "" {
		p.Name += " · " + part
	}
	return p, nil
}
