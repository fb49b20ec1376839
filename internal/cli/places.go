package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

func newPlacesCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "places", Short: "Keep organisations' places", Args: cobra.NoArgs}
	parent.AddCommand(newPlacesImportCmd(s), newPlacesExportCmd(s), newPlacesFindCmd(s), newPlacesPrintedCmd(s))
	return parent
}

// shownFaults is how many rows that were refused are shown where no report is written.
const shownFaults = 20

func newPlacesImportCmd(s *settings) *cobra.Command {
	var organisation, report string
	cmd := &cobra.Command{
		Use:   "import FILE.csv --organisation ID",
		Short: "Take in an organisation's places from a CSV file, while a server may run",
		Long: "Take in an organisation's places from a CSV file, while a server may run. The first line names the columns, of which\n" +
			strings.Join(places.Columns(), ", ") + " are read; name and kind must be there. A row that cannot be a place is\n" +
			"refused with the reason, and all others go in; then the exit code is 3. A part stands after the place that it is a part\n" +
			"of and names its key in the column parent. Rows with a key may be given again: what is there stays as it is.\n" +
			"Form is the name of a health declaration that people are asked for, or none; empty is that of the place around it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withOfficeFor(cmd, organisation, func(o *app.Office, id uuid.UUID) error {
				importer, err := o.Importer()
				if err != nil {
					return err
				}
				done, err := importFile(cmd, importer, id, args[0], report)
				if done.Added > 0 {
					err = errors.Join(err, o.Audit.Append(context.WithoutCancel(cmd.Context()), "system", "places_imported", id.String(),
						fmt.Sprintf("%d added, %d refused", done.Added, done.Refused)))
				}
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d places added, %d rows refused\n", done.Added, done.Refused)
				}
				if err == nil && done.Refused > 0 {
					err = &ExitError{Code: ExitRefused, Err: fmt.Errorf("%d rows were refused", done.Refused)}
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&organisation, "organisation", "", "id of the organisation whose places they are")
	cmd.Flags().StringVar(&report, "report", "", "CSV file to write the refused rows to: line, column, reason (default the first 20 to the terminal)")
	s.addFlags(cmd)
	return cmd
}

// importFile takes in a file behind a progress bar.
func importFile(cmd *cobra.Command, im *places.Importer, organisation uuid.UUID, path, report string) (done places.Imported, err error) {
	in, err := os.Open(path)
	if err != nil {
		return done, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return done, err
	}
	watch := places.Watch{Refused: showFaults(cmd.ErrOrStderr(), path), Progress: bytesDone(cmd.ErrOrStderr(), info.Size())}
	if report == "" {
		return im.Import(cmd.Context(), organisation, in, watch)
	}
	file, err := os.OpenFile(report, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return done, err
	}
	out := csv.NewWriter(file)
	watch.Refused = func(f places.RowFault) error {
		return out.Write([]string{strconv.Itoa(f.Line), f.Column, f.Why.Message})
	}
	if err = out.Write([]string{"line", "column", "reason"}); err == nil {
		done, err = im.Import(cmd.Context(), organisation, in, watch)
	}
	out.Flush()
	return done, errors.Join(err, out.Error(), file.Close())
}

// showFaults writes the first rows that were refused.
func showFaults(out io.Writer, path string) func(places.RowFault) error {
	shown := 0
	return func(f places.RowFault) error {
		shown++
		var err error
		switch {
		case shown <= shownFaults && f.Column != "":
			_, err = fmt.Fprintf(out, "%s:%d: column %s: %s\n", path, f.Line, f.Column, f.Why.Message)
		case shown <= shownFaults:
			_, err = fmt.Fprintf(out, "%s:%d: %s\n", path, f.Line, f.Why.Message)
		case shown == shownFaults+1:
			_, err = fmt.Fprintln(out, "further rows are refused; --report FILE names them all")
		}
		return err
	}
}

// bytesDone shows how much of a file is done: a bar on a terminal, elsewhere nothing.
func bytesDone(out io.Writer, total int64) func(int64) {
	if !isTerminal(out) {
		return nil
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("places"),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetWidth(40),
		progressbar.OptionUseANSICodes(true), progressbar.OptionClearOnFinish())
	return func(done int64) { _ = bar.Set64(done) } // a bar that cannot be drawn is no reason to stop
}

func newPlacesExportCmd(s *settings) *cobra.Command {
	var organisation string
	cmd := &cobra.Command{
		Use:   "export --organisation ID",
		Short: "Write an organisation's places as a CSV file that can be taken in again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOfficeFor(cmd, organisation, func(o *app.Office, id uuid.UUID) error {
				if _, err := o.Registry.Organisation(cmd.Context(), id); err != nil {
					return err
				}
				known := places.New(o.Registry, qrgen.NewKeySet(), o.Clock)
				if err := known.Refresh(cmd.Context()); err != nil {
					return err
				}
				files := places.Files{Service: known, Audit: o.Audit}
				return files.WriteCSV(cmd.Context(), registry.Account{Login: "system", Organisation: id}, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&organisation, "organisation", "", "id of the organisation whose places they are")
	s.addFlags(cmd)
	return cmd
}

func newPlacesFindCmd(s *settings) *cobra.Command {
	var organisation, area string
	var limit int
	cmd := &cobra.Command{
		Use:   "find [WORDS]",
		Short: "Find places by the beginnings of words of their names, with or without Vietnamese marks",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := registry.Search{Text: strings.Join(args, " "), Area: area}
			if organisation != "" {
				id, err := uuid.Parse(organisation)
				if err != nil {
					return usage(errors.New("--organisation takes the id of an organisation"))
				}
				q.Organisation = id
			}
			return s.withOffice(cmd, func(o *app.Office) error {
				for limit > 0 {
					q.Limit = min(limit, 500)
					found, err := o.Registry.SearchPlaces(cmd.Context(), q)
					if err != nil {
						return err
					}
					for _, p := range found.Places {
						if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\t%s\t%s\n", p.ID, p.Kind, p.Name, p.Address); err != nil {
							return err
						}
					}
					limit -= len(found.Places)
					if q.After = found.Next; q.After == uuid.Nil {
						break
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&organisation, "organisation", "", "id of the organisation whose places are meant (default everybody's)")
	cmd.Flags().StringVar(&area, "area", "", "code of the area that the places lie in (default any)")
	cmd.Flags().IntVar(&limit, "limit", 50, "places to print")
	s.addFlags(cmd)
	return cmd
}

// withOfficeFor is withOffice for a command about the organisation that its flag names.
func (s *settings) withOfficeFor(cmd *cobra.Command, organisation string, do func(o *app.Office, id uuid.UUID) error) error {
	id, err := uuid.Parse(organisation)
	if err != nil {
		return usage(errors.New("--organisation takes the id of an organisation, which `truyvet account create` prints"))
	}
	return s.withOffice(cmd, func(o *app.Office) error { return do(o, id) })
}
