package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/tracing/stay"
)

// The bounds of what is shown of dead letters.
const (
	maxLetters  = 100_000 // of one command
	maxShownRaw = 256     // bytes; a scan has 110 at most
)

// kindWords are the kinds of scan as the API has them.
var kindWords = map[stay.Kind]string{stay.In: "in", stay.Out: "out", stay.Renew: "renew", stay.Void: "void"}

// newDeadLetterCmd makes the commands about entries of the scan log that no worker could read.
func newDeadLetterCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{
		Use: "deadletter", Short: "Look at entries of the scan log that no worker could read, and put them back (cluster mode)",
		Long: `A worker puts an entry that is no scan for it to the dead letters, with the reason, and goes on. They are kept as long as
scans are, ten thousand or so for each stream. Most are entries of a newer version: put them back with the newer program.`,
		Args: cobra.NoArgs,
	}
	var most int
	list := &cobra.Command{
		Use: "list", Short: "List dead letters, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withDeadLetters(cmd, func(dead *redisstream.DeadLetters) error {
				if most < 1 || most > maxLetters {
					return usage(fmt.Errorf("--most is not between 1 and %d", maxLetters))
				}
				letters, err := dead.List(cmd.Context(), most)
				if err != nil {
					return err
				}
				return listLetters(cmd.OutOrStdout(), letters)
			})
		},
	}
	list.Flags().IntVar(&most, "most", 100, "how many to list")
	show := &cobra.Command{
		Use: "show ID", Short: "Show a dead letter: why it is one, its bytes, and the scan where this program can read it",
		Long: "Shows a dead letter. It names alias and place by their ids and no person. It exits with 3 where there is no such letter.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withDeadLetters(cmd, func(dead *redisstream.DeadLetters) error {
				letter, err := dead.Get(cmd.Context(), args[0])
				if err != nil {
					return refusedLetter(err)
				}
				return showLetter(cmd.OutOrStdout(), letter)
			})
		},
	}
	var all bool
	replay := &cobra.Command{
		Use: "replay (ID... | --all)", Short: "Put dead letters back into the scan log, each once, where this program can read them",
		Long: `Puts dead letters back into the scan log; a worker then stores them. A letter and its entry change places in one step, so
nothing is lost or doubled however often this is tried. It exits with 3 when a letter stays: this program cannot read it
either, another scan was logged under its id, or it is not there.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage(errors.New("replay needs either ids or --all"))
			}
			return s.withDeadLetters(cmd, func(dead *redisstream.DeadLetters) error {
				return replayLetters(cmd.Context(), cmd.OutOrStdout(), dead, args)
			})
		},
	}
	replay.Flags().BoolVar(&all, "all", false, "all that there are")
	for _, cmd := range []*cobra.Command{list, show, replay} {
		s.addFlags(cmd)
		parent.AddCommand(cmd)
	}
	return parent
}

// withDeadLetters does something with the dead letters of the configuration.
func (s *settings) withDeadLetters(cmd *cobra.Command, do func(*redisstream.DeadLetters) error) (err error) {
	cfg, err := s.load(cmd.Context())
	if err != nil {
		return err
	}
	dead, err := app.OpenDeadLetters(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dead.Close()) }()
	return do(dead)
}

// refusedLetter gives the errors that answer a question their exit code.
func refusedLetter(err error) error {
	for _, refusal := range []error{redisstream.ErrNoLetter, redisstream.ErrLetterUnread, redisstream.ErrLetterConflict} {
		if errors.Is(err, refusal) {
			return &ExitError{Code: ExitRefused, Err: err}
		}
	}
	return err
}

func listLetters(out io.Writer, letters []redisstream.Letter) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSINCE\tBYTES\tREADABLE NOW\tREASON")
	for _, l := range letters {
		readable := "yes"
		if l.Fault != nil {
			readable = "no"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", l.ID, l.Buried.Format(time.RFC3339), len(l.Raw), readable, l.Reason)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("listing the dead letters: %w", err)
	}
	return nil
}

func showLetter(out io.Writer, l redisstream.Letter) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name string, value any) { fmt.Fprintf(table, "%s\t%v\n", name, value) }
	line("id", l.ID)
	line("entry", l.Entry)
	line("since", l.Buried.Format(time.RFC3339))
	line("worker", l.Worker)
	line("reason", l.Reason)
	line("bytes", len(l.Raw))
	shown := hex.EncodeToString(l.Raw[:min(len(l.Raw), maxShownRaw)])
	if len(l.Raw) > maxShownRaw {
		shown += "…"
	}
	line("raw", shown)
	if l.Fault != nil {
		line("readable now", fmt.Sprintf("no: %v", l.Fault))
	} else {
		line("readable now", "yes")
		line("scan", l.Scan.ID)
		line("alias", l.Scan.Alias)
		line("place", l.Scan.Place)
		if l.Scan.Trip != uuid.Nil {
			line("trip", l.Scan.Trip)
		}
		if l.Scan.Voids != uuid.Nil {
			line("voids", l.Scan.Voids)
		}
		line("kind", kindWords[l.Scan.Kind])
		line("at", time.Unix(l.Scan.At, 0).UTC().Format(time.RFC3339))
		line("received", time.Unix(l.Scan.ReceivedAt, 0).UTC().Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("showing a dead letter: %w", err)
	}
	return nil
}

// replayLetters puts back the letters of these ids, or all where there are none given. It says what became of each and goes
// on after one that stays.
func replayLetters(ctx context.Context, out io.Writer, dead *redisstream.DeadLetters, ids []string) error {
	var letters []redisstream.Letter
	if len(ids) == 0 {
		var err error
		if letters, err = dead.List(ctx, maxLetters); err != nil {
			return err
		}
	}
	stayed := 0
	said := func(id string, err error) error {
		switch {
		case err == nil:
			fmt.Fprintln(out, id, "is back in the scan log")
		case errors.As(refusedLetter(err), new(*ExitError)):
			stayed++
			fmt.Fprintf(out, "%s stays: %v\n", id, err)
		default:
			return err
		}
		return nil
	}
	for _, l := range letters {
		if err := said(l.ID, dead.Replay(ctx, l)); err != nil {
			return err
		}
	}
	for _, id := range ids {
		letter, err := dead.Get(ctx, id)
		if err == nil {
			err = dead.Replay(ctx, letter)
		}
		if err := said(id, err); err != nil {
			return err
		}
	}
	if stayed > 0 {
		return &ExitError{Code: ExitRefused, Err: fmt.Errorf("%d of %d dead letters were not put back", stayed, len(letters)+len(ids))}
	}
	return nil
}
