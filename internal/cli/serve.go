package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/telemetry"
	"github.com/truyvet/truyvet/internal/webui/staff"
)

func newServeCmd(s *settings) *cobra.Command {
	var showDemo bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer pages and scans until stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			untilStopped(cmd)
			load := s.load
			if showDemo {
				load = s.loadDemo
			}
			p, err := open(cmd, load)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, p.Close()) }()
			return serve(cmd, p)
		},
	}
	s.addFlags(cmd)
	cmd.Flags().BoolVar(&showDemo, "demo", false, "the data is made up: say so, show the logins and the one-time codes on the pages")
	return cmd
}

// untilStopped has a command that runs until it is told to stop do so well on a first SIGINT or SIGTERM; a second one ends it
// at once. Every other command ends at once on the first.
func untilStopped(cmd *cobra.Command) {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	cmd.SetContext(ctx)
}

// heapFloor is room that counts as heap and is never touched, so that it takes address space and no memory. A process that
// holds little would else look for garbage dozens of times a second while scans come, and spend a tenth of its time so; one that
// holds an index does not notice.
const heapFloor = 64 << 20

// serve answers until the command's context ends.
func serve(cmd *cobra.Command, p *app.Parts) error {
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	var shown *staff.Demo
	if p.Config.Demo {
		var loaded bool
		var err error
		if shown, loaded, err = p.DemoData(); err != nil {
			return err
		}
		if !loaded {
			return fmt.Errorf("the data folder %s holds no made-up district: load one with `truyvet demo`", p.Config.DataDir)
		}
	}
	listener, err := net.Listen("tcp", p.Config.Listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	if shown != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "\nMade-up data. Open %s\n\n", p.Config.BaseURL)
		for _, login := range shown.Logins {
			fmt.Fprintf(cmd.OutOrStdout(), "  %-10s %s\n", login.Login, login.Password)
		}
		fmt.Fprintln(cmd.OutOrStdout())
	}
	return p.Serve(cmd.Context(), listener, shown)
}

// loadDemo is load for a demo, which keeps its scans for longer.
func (s *settings) loadDemo(ctx context.Context) (*config.Config, error) {
	if days := s.values["TRUYVET_RETENTION_DAYS"]; *days == "" {
		*days = strconv.Itoa(app.DemoRetentionDays)
	}
	cfg, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Demo = true
	return cfg, nil
}

// open builds the parts that a server works with, from the settings that load gives.
func open(cmd *cobra.Command, load func(context.Context) (*config.Config, error)) (*app.Parts, error) {
	cfg, err := load(cmd.Context())
	if err != nil {
		return nil, err
	}
	logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), cfg.LogLevel)
	if err != nil {
		return nil, err
	}
	return app.Open(cmd.Context(), cfg, logger, time.Now)
}

// withOffice does what needs the registry alone, so that it may be done beside a server.
func (s *settings) withOffice(cmd *cobra.Command, do func(o *app.Office) error) (err error) {
	cfg, err := s.load(cmd.Context())
	if err != nil {
		return err
	}
	o, err := app.OpenOffice(cmd.Context(), cfg, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	return do(o)
}

func newWorkerCmd(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry scans from Redis to ClickHouse until stopped (cluster mode)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			untilStopped(cmd)
			cfg, err := s.load(cmd.Context())
			if err != nil {
				return err
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), cfg.LogLevel)
			if err != nil {
				return err
			}
			return app.Work(cmd.Context(), cfg, logger)
		},
	}
	s.addFlags(cmd)
	return cmd
}

func newMigrateCmd(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the tables of the registry, and of ClickHouse in the cluster mode, up to this version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(cmd.Context())
			if err != nil {
				return err
			}
			return app.Migrate(cmd.Context(), cfg)
		},
	}
	s.addFlags(cmd)
	return cmd
}

func newInitCmd(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the data folder with new keys and an empty registry; what is there already stays",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(cmd.Context())
			if err != nil {
				return err
			}
			if err := app.Init(cmd.Context(), cfg, time.Now); err != nil {
				return err
			}
			cmd.Printf("The data folder %s is ready. Keep copies of %s and %s somewhere safe: without the second nobody can be\n"+
				"found again by phone or ID number.\n", cfg.DataDir, cfg.KeyFile, cfg.SecretsFile)
			return nil
		},
	}
	s.addFlags(cmd)
	return cmd
}
