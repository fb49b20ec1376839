package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/demo"
)

func newDemoCmd(s *settings) *cobra.Command {
	var loadOnly, small bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make up a district in the data folder, once, and serve it",
		Long: `demo makes the data folder where it is missing, makes up a district with a month of scans and 26 cases in it, loads it the
way real scans come in, and serves it like "truyvet serve --demo". A data folder that holds a made-up district is served as it is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			untilStopped(cmd)
			p, err := open(cmd, func(ctx context.Context) (*config.Config, error) {
				cfg, err := s.loadDemo(ctx)
				if err != nil {
					return nil, err
				}
				return cfg, app.Init(ctx, cfg, time.Now)
			})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, p.Close()) }()
			_, loaded, err := p.DemoData()
			if err != nil {
				return err
			}
			if !loaded {
				size := demo.Full()
				if small {
					size = demo.Small()
				}
				if err := loadDemo(cmd, p, size); err != nil {
					return err
				}
			}
			if loadOnly {
				return nil
			}
			return serve(cmd, p)
		},
	}
	s.addFlags(cmd)
	cmd.Flags().BoolVar(&loadOnly, "load-only", false, "load the district and stop")
	cmd.Flags().BoolVar(&small, "small", false, "a twentieth of the district")
	return cmd
}

// loadDemo loads the district behind a progress bar, or where nobody watches a terminal with a line now and then.
func loadDemo(cmd *cobra.Command, p *app.Parts, size demo.Size) error {
	out := cmd.OutOrStdout()
	start := p.Clock()
	fmt.Fprintln(out, "Making up a district and a month of scans. This takes less than a minute, once.")
	total := 0
	show := progressLine(out, "scans")
	run, err := p.LoadDemo(cmd.Context(), size, func(done, all int) {
		total = all
		show(done, all)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%d scans loaded and %d cases traced to %d F1 and %d F2, in %s.\n",
		total, len(run.Cases), run.F1, run.F2, p.Clock().Sub(start).Round(time.Second))
	return err
}

// progressLine returns what shows how many of the things named are done: a bar on a terminal, elsewhere a line for each tenth.
func progressLine(out io.Writer, what string) func(done, total int) {
	if !isTerminal(out) {
		tenths := 0
		return func(done, total int) {
			if now := done * 10 / max(total, 1); now > tenths {
				tenths = now
				fmt.Fprintf(out, "%d of %d %s\n", done, total, what)
			}
		}
	}
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetWidth(40),
				progressbar.OptionUseANSICodes(true))
		}
		_ = bar.Set(done) // a bar that cannot be drawn is no reason to stop
	}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
