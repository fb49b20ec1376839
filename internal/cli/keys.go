package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
)

// newKeysCmd makes the commands about the keys in the secrets file. Those that sign codes are `truyvet qr keys`.
func newKeysCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "keys", Short: "List and rotate the keys of the vault, of the pseudonyms and of gates' boxes", Args: cobra.NoArgs}
	parent.AddCommand(newKeysListCmd(s), newKeysRotateCmd(s))
	return parent
}

func newKeysListCmd(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys of the vault, with how many details each has sealed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOffice(cmd, func(o *app.Office) error {
				counts, err := o.Registry.CountSealed(cmd.Context())
				if err != nil {
					return err
				}
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "KEY\tSTATE\tSEALED")
				for i, key := range o.Secrets.Vault {
					state := "opens"
					if i == len(o.Secrets.Vault)-1 {
						state = "current"
					}
					fmt.Fprintf(table, "%d\t%s\t%d\n", key.ID, state, counts[key.ID])
					delete(counts, key.ID)
				}
				for _, lost := range slices.Sorted(maps.Keys(counts)) {
					fmt.Fprintf(table, "%d\tlost\t%d\n", lost, counts[lost])
				}
				return table.Flush()
			})
		},
	}
	s.addFlags(cmd)
	return cmd
}

func newKeysRotateCmd(s *settings) *cobra.Command {
	var ofVault, ofPseudonym, ofBoxes bool
	var follow time.Duration
	cmd := &cobra.Command{
		Use:   "rotate (--vault | --pseudonym | --boxes)",
		Short: "Make a new key the current one while servers run; what was killed half way goes on when it is begun again",
		Long: `Make a new key the current one while servers run. A rotation that was killed half way goes on when it is begun again.

--vault seals every personal detail anew. The keys of before stay in the secrets file: they open what backups hold.

--pseudonym makes aliases under a new key and links them to the people that they stand for, from the numbers in the vault.
Scans keep the alias that they were made with. People whose number is not in the vault are not found by it any more.

--boxes makes a new key for what gates keep while they have no network. Gates close with it from their next contact on; the keys
of before stay in the secrets file: they open what was not delivered yet.

Servers take over a changed secrets file within seconds. Where they run on several machines, copy the file to each of them
while the rotation waits (--servers-follow), and when it is over once more.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if chosen := []bool{ofVault, ofPseudonym, ofBoxes}; len(slices.DeleteFunc(chosen, func(is bool) bool { return !is })) != 1 {
				return usage(errors.New("rotate needs one of --vault, --pseudonym and --boxes"))
			}
			if follow < 0 || follow > time.Hour {
				return usage(errors.New("--servers-follow is from 0s to 1h"))
			}
			untilStopped(cmd)
			return s.withOffice(cmd, func(o *app.Office) error {
				switch {
				case ofVault:
					return rotateVault(cmd, o)
				case ofBoxes:
					return rotateBoxes(cmd, o)
				}
				return rotatePseudonym(cmd, o, follow)
			})
		},
	}
	cmd.Flags().BoolVar(&ofVault, "vault", false, "the key that personal details are sealed with")
	cmd.Flags().BoolVar(&ofPseudonym, "pseudonym", false, "the key that aliases are made with")
	cmd.Flags().BoolVar(&ofBoxes, "boxes", false, "the key that gates close boxes with")
	cmd.Flags().DurationVar(&follow, "servers-follow", 10*time.Second, "how long servers are given to take over the changed file")
	s.addFlags(cmd)
	return cmd
}

func rotateVault(cmd *cobra.Command, o *app.Office) error {
	progress := newProgress(cmd.ErrOrStderr(), o.Clock, "details looked at", "sealed anew")
	key, err := o.RotateVault(cmd.Context(), app.Rotation{Seen: progress.seen})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d details are sealed with key %d, %d of them anew.\n", progress.looked, key, progress.done)
	return err
}

func rotateBoxes(cmd *cobra.Command, o *app.Office) error {
	key, err := o.RotateBoxes(cmd.Context())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Gates close boxes with key %d from their next contact on.\n", key)
	return err
}

func rotatePseudonym(cmd *cobra.Command, o *app.Office, follow time.Duration) error {
	if err := warnOfUnfindable(cmd.Context(), cmd.ErrOrStderr(), o); err != nil {
		return err
	}
	progress := newProgress(cmd.ErrOrStderr(), o.Clock, "details looked at", "aliases linked")
	linked, err := o.RotatePseudonym(cmd.Context(), app.Rotation{Follow: follow, Seen: progress.seen})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Aliases are made under the new key; %d were linked to the people of before.\n", linked)
	return err
}

// warnOfUnfindable says how many people a rotation of the pseudonym key loses sight of.
func warnOfUnfindable(ctx context.Context, out io.Writer, o *app.Office) error {
	n, err := o.Registry.CountPeopleWithout(ctx, "phone", "id_card", "dependant")
	if err != nil || n == 0 {
		return err
	}
	_, err = fmt.Fprintf(out, "%d people have no number in the vault: they are not found by it any more, and count as new when they come next.\n", n)
	return err
}

// progress tells of long work, at most once in a second.
type progress struct {
	out          io.Writer
	clock        func() time.Time
	what, made   string
	told         time.Time
	looked, done int
}

func newProgress(out io.Writer, clock func() time.Time, what, made string) *progress {
	return &progress{out: out, clock: clock, what: what, made: made, told: clock()}
}

func (p *progress) seen(looked, done int) {
	p.looked, p.done = looked, done
	if now := p.clock(); now.Sub(p.told) >= time.Second {
		p.told = now
		fmt.Fprintf(p.out, "%d %s, %d %s\n", looked, p.what, done, p.made)
	}
}
