package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/loadgen"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// loadPatience is how long loadgen waits for the workers to store what it sent.
const loadPatience = 3 * time.Minute

// replayConnections is how many connections a day is sent over by default: all have a request under way all the time.
const replayConnections = 64

func newLoadgenCmd(s *settings) *cobra.Command {
	l := load{}
	o := &l.o
	var target string
	var places int
	var mine bool
	cmd := &cobra.Command{
		Use:   "loadgen",
		Short: "Send a made-up morning of scans to a server at a given rate, and check what it stored",
		Long: `loadgen sends the scans of made-up people at made-up places to a running server: some come at once, some out of phones that
were offline, some twice, and some that must be refused. Each request is sent when it is due, whether or not the server has
answered those before, and its latency counts from that instant. In the end it compares what was answered with what is
stored: every scan that was acknowledged, as it was sent, and none that was refused.

With --replay it sends the scans of a whole day, in the order of their time, as fast as they are answered, and in the end
lines "name value unit" of how fast that was.

With --overload it finds out what the server can do, sends half of that for a while, then twice of that for as long as given, and sees
how soon the server is back. It writes all of it as lines "name value unit": latencies from when a request was due, which hold the
wait for one of the --connections too, and, with "sent" in their names, from when it was sent.

It runs on the server's machine: it signs codes and credentials with the keys of the data folder, and reads the store through
the same settings. What it sends stays there until retention drops it, so use a data folder of its own.

It exits with 3 where the store is not exactly what was answered, or an answer was not what its request deserved.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			untilStopped(cmd)
			cfg, err := s.load(cmd.Context())
			if err != nil {
				return err
			}
			if target == "" {
				target = "http://" + cfg.Listen
			}
			if o.Target, err = loadTarget(target, mine); err != nil {
				return &ExitError{Code: ExitUsage, Err: err}
			}
			if err := equip(o, cfg, places); err != nil {
				return err
			}
			if o.Replay > 0 && !cmd.Flags().Changed("connections") {
				o.Connections = replayConnections
			}
			o.Progress = cmd.ErrOrStderr()
			return l.run(cmd, cfg)
		},
	}
	s.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&target, "target", "", "URL of the server (default http://LISTEN)")
	f.BoolVar(&mine, "yes-this-is-mine", false, "send to a server that is not on this machine")
	f.Float64Var(&o.Rate, "rate", 100, "requests a second, the mean of the morning")
	f.DurationVar(&o.During, "for", 30*time.Second, "how long the morning lasts")
	f.BoolVar(&o.Rush, "rush", false, "let the rate rise to its double at the middle and fall again")
	f.Uint64Var(&o.Seed, "seed", 1, "what people and places are drawn from")
	f.IntVar(&o.People, "people", 100_000, "people")
	f.IntVar(&places, "places", 2_000, "places")
	f.IntVar(&o.Shares.Offline, "offline", 5, "per cent of the requests that bring two to twenty scans from a phone that was offline")
	f.IntVar(&o.Shares.Duplicates, "duplicates", 3, "per cent of the requests that were sent before")
	f.IntVar(&o.Shares.Bad, "bad", 2, "per cent of the requests that must be refused")
	f.IntVar(&o.Replay, "replay", 0, "send so many scans of the last 24 hours as fast as they are answered, in place of a morning")
	f.DurationVar(&l.overload, "overload", 0, "send twice of what the server can do for so long, in place of a morning")
	cmd.MarkFlagsMutuallyExclusive("replay", "overload")
	f.IntVar(&o.Connections, "connections", 4_000, fmt.Sprintf("connections at most; what finds none is counted as never sent (with --replay default %d)", replayConnections))
	f.DurationVar(&o.Timeout, "timeout", 10*time.Second, "for an answer, from when the request was due")
	f.BoolVar(&l.unchecked, "no-check", false, "do not read the store in the end")
	return cmd
}

// loadTarget reads where to send. Whoever means another machine than this one has to say that it is theirs.
func loadTarget(text string, mine bool) (*url.URL, error) {
	target, err := url.Parse(text)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("--target %q is no http or https URL", text)
	}
	ip := net.ParseIP(target.Hostname())
	if local := target.Hostname() == "localhost" || ip != nil && ip.IsLoopback(); !local && !mine {
		return nil, fmt.Errorf("%s is not this machine: add --yes-this-is-mine if the server is yours and may be loaded", target.Host)
	}
	return target, nil
}

// equip gives the generator its places, with codes signed by the installation, and its credentials.
func equip(o *loadgen.Options, cfg *config.Config, places int) error {
	keys, err := qrgen.ReadKeyFile(cfg.KeyFile)
	if err != nil {
		return fmt.Errorf("reading the signing keys: %w", err)
	}
	secrets, err := cfg.Secrets()
	if err != nil {
		return err
	}
	credentials, err := citizen.NewCredentials(secrets.Credential, time.Now)
	if err != nil {
		return err
	}
	o.Credential = func(alias uuid.UUID) string {
		text, _ := credentials.Issue(alias)
		return text
	}
	issued := time.Now().Add(-3 * 24 * time.Hour) // before anything that is sent was scanned
	for range places {
		p := loadgen.Place{ID: uuid.New()}
		if p.Code, err = keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: p.ID, IssuedAt: issued, Serial: 1}); err != nil {
			return fmt.Errorf("signing a code: %w", err)
		}
		o.Places = append(o.Places, p)
	}
	return nil
}

var errNotExact = errors.New("the store does not hold exactly what was answered, or answers were wrong")

// load is what is sent.
type load struct {
	o         loadgen.Options
	overload  time.Duration // 0 = none, but a morning or a day
	unchecked bool
}

// run sends, prints what was answered, and compares it with what is stored.
func (l load) run(cmd *cobra.Command, cfg *config.Config) error {
	if l.overload != 0 {
		l.o.During = l.overload
	}
	g, err := loadgen.New(l.o)
	if err != nil {
		return &ExitError{Code: ExitUsage, Err: err}
	}
	began := time.Now()
	wrong, err := l.send(cmd, g)
	if err != nil {
		return err
	}
	answered := time.Since(began)
	exact := true
	if !l.unchecked {
		// What was cut off is checked all the same.
		ctx := context.WithoutCancel(cmd.Context())
		if err := app.AwaitStored(ctx, cfg, loadPatience); err != nil {
			return fmt.Errorf("waiting until all is stored: %w", err)
		}
		stored := time.Since(began)
		c, err := compareStored(ctx, cfg, g)
		if err != nil {
			return fmt.Errorf("reading the store: %w", err)
		}
		cmd.Printf("store: %d scans sent, %d acknowledged, %d stored; lost %d, altered %d, refused and stored %d, accepted twice %d; "+
			"%d rows again, %d stored without an answer\n",
			c.Sent, c.Acknowledged, c.Stored, c.Lost, c.Altered, c.Uncalled, c.Twice, c.Repeated, c.Unsettled)
		// ClickHouse may hold a row again until it merges; readers count it once.
		exact = c.Exact() && (cfg.Cluster() || c.Repeated == 0)
		if l.o.Replay > 0 {
			scans := float64(c.Stored)
			cmd.Printf("replay.scans %.0f scans\nreplay.answered %.0f scans/s\nreplay.stored %.0f scans/s\n",
				scans, scans/answered.Seconds(), scans/stored.Seconds())
		}
	}
	if wrong || !exact {
		return &ExitError{Code: ExitRefused, Err: errNotExact}
	}
	return nil
}

// send sends, prints what was answered, and says whether any answer was wrong.
func (l load) send(cmd *cobra.Command, g *loadgen.Generator) (wrong bool, err error) {
	if l.overload == 0 {
		report, err := g.Run(cmd.Context())
		if err != nil {
			return false, err
		}
		return len(report.Wrong) > 0, report.Write(cmd.OutOrStdout())
	}
	overload, err := g.Overload(cmd.Context())
	if err != nil {
		return false, err
	}
	return overload.Wrong(), overload.Write(cmd.OutOrStdout())
}

// compareStored reads the days of the morning, and the one before for what phones kept.
func compareStored(ctx context.Context, cfg *config.Config, g *loadgen.Generator) (loadgen.Check, error) {
	first := scan.DayOf(g.Start().Add(-24 * time.Hour).Unix())
	return g.Compare(func(take func(loadgen.Scan)) error {
		return app.ReadStored(ctx, cfg, first, func(block []scan.Scan) error {
			for i := range block {
				take(loadScan(&block[i]))
			}
			return nil
		})
	})
}

// loadScan is what the generator knows of a scan. A kind or means that it never sends shows as another scan.
func loadScan(s *scan.Scan) loadgen.Scan {
	kind := map[stay.Kind]loadgen.Kind{stay.In: loadgen.In, stay.Out: loadgen.Out}[s.Kind]
	return loadgen.Scan{ID: s.ID, Alias: s.Alias, Place: s.Place, At: s.At, Kind: kind, Offline: s.How == scan.PhoneOffline}
}
