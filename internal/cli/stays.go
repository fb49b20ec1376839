package cli

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"
)

// newStaysCmd makes the command that derives stays from a file of scans.
func newStaysCmd() *cobra.Command {
	var scans, places, asOf string
	cmd := &cobra.Command{
		Use:   "stays --scans FILE --places FILE",
		Short: "Derive who was where from a file of scans",
		Long: `Derives stays from scans and prints them as CSV: person,place,enter,leave,basis, sorted by person, entry, place and leave.

  --scans   CSV with the columns person, place, at, kind (in, out or renew) and, if wanted, id
  --places  CSV with the columns place, parent (may be empty), dwell (minutes) and,
            if it is there, area (province/district), by which scans that are
            too far apart are told

Times are unix seconds or RFC 3339; they are printed as unix seconds. The basis is checkout, moved or assumed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if scans == "" || places == "" {
				return usage(errors.New("stays needs both --scans FILE and --places FILE"))
			}
			until, err := asOfFlag(asOf)
			if err != nil {
				return err
			}
			data, err := readScans(scans, places)
			if err != nil {
				return err
			}
			return printStays(cmd.OutOrStdout(), data, until)
		},
	}
	cmd.Flags().StringVar(&scans, "scans", "", "CSV file of scans")
	cmd.Flags().StringVar(&places, "places", "", "CSV file of places")
	cmd.Flags().StringVar(&asOf, "as-of", "", "time at which all stays are clipped")
	return cmd
}

// usage makes err one of the command line.
func usage(err error) error { return &ExitError{Code: ExitUsage, Err: err} }

// asOfFlag reads --as-of; nothing clips nothing.
func asOfFlag(text string) (int64, error) {
	if text == "" {
		return math.MaxInt64, nil
	}
	t, err := parseInstant(text)
	if err != nil {
		return 0, usage(fmt.Errorf("--as-of: %w", err))
	}
	return t, nil
}

// printStays derives the stays and prints them.
func printStays(out io.Writer, data *scansData, asOf int64) error {
	data.people.rank()
	buffered := bufio.NewWriterSize(out, 1<<16)
	w := csv.NewWriter(buffered)
	_ = w.Write([]string{"person", "place", "enter", "leave", "basis"}) // Error tells below
	for _, s := range data.stays(asOf) {
		_ = w.Write([]string{
			data.people.name(s.Person), data.places.name(s.Place.ID),
			strconv.FormatInt(s.Enter, 10), strconv.FormatInt(s.Leave, 10), s.Basis.String(),
		})
	}
	w.Flush()
	if err := errors.Join(w.Error(), buffered.Flush()); err != nil {
		return fmt.Errorf("printing stays: %w", err)
	}
	return nil
}
