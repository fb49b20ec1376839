package cli

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/retention"
)

// newRetentionCmd makes the commands about what is kept for how long.
func newRetentionCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "retention", Short: "Let go of what is kept no longer", Args: cobra.NoArgs}
	var dry bool
	run := &cobra.Command{
		Use:   "run [--dry-run]",
		Short: "Drop at once what is kept no longer; a server does so every day",
		Long: `Drops the scans of days before the last TRUYVET_RETENTION_DAYS, the lists of trace runs after TRUYVET_LIST_DAYS, sessions and
one-time codes that have expired, the trips of vehicles that no list can name any more, and the sealed details of people of whom no
scan and no list is left. Each purge is an entry in the audit log. Standalone, the server is stopped for it: it does the same itself, once a day.

With --dry-run it only says what would go, and a server may be running.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if dry {
				cfg, err := s.load(cmd.Context())
				if err != nil {
					return err
				}
				due, err := app.PlanPurge(cmd.Context(), cfg, time.Now)
				if err != nil {
					return err
				}
				return printPurge(cmd.OutOrStdout(), due, "would go", "at most ")
			}
			p, err := open(cmd, s.load)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, p.Close()) }()
			gone, err := p.Retention.Run(cmd.Context())
			return errors.Join(err, printPurge(cmd.OutOrStdout(), gone, "gone", ""))
		},
	}
	run.Flags().BoolVar(&dry, "dry-run", false, "say what would go, and drop nothing")
	s.addFlags(run)
	parent.AddCommand(run)
	return parent
}

// printPurge prints what a purge has let go, or would. About is put before the number of people.
func printPurge(out io.Writer, p retention.Purge, title, about string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, of := range p.Days {
		fmt.Fprintf(table, "day\t%s\t%d scans\n", of.Day, of.Scans)
	}
	for _, r := range p.Runs {
		fmt.Fprintf(table, "list\t%s\tF1 %d, F2 %d, run %s\n", time.Unix(r.Created, 0).UTC().Format(time.DateOnly), r.F1, r.F2, r.ID)
	}
	fmt.Fprintf(table, "%s\t%d days, %d lists, %d expired sessions and codes, %d declarations, %d trips of vehicles, the details of %s%d people\n",
		title, len(p.Days), len(p.Runs), p.Expired, p.Dated, p.Trips, about, p.People)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}
