package benchingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/loadgen"
)

// server is a process that answers posts.
type server struct {
	url   *url.URL
	cmd   *exec.Cmd
	log   *os.File
	ended chan error
}

// startServer starts a program that is told where to listen, and returns once it answers there.
func startServer(ctx context.Context, logPath string, env []string, command func(listen string) []string) (*server, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{url: &url.URL{Scheme: "http", Host: listen}, ended: make(chan error, 1)}
	if s.log, err = os.Create(logPath); err != nil {
		return nil, fmt.Errorf("creating a log: %w", err)
	}
	args := command(listen)
	s.cmd = exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // a program that is to be measured
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = env, s.log, s.log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 30 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", args[0], errors.Join(err, s.log.Close()))
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s, s.await(ctx)
}

// await returns once the server takes connections.
func (s *server) await(ctx context.Context) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		if conn, err := loadgen.Dial(ctx, s.url); err == nil {
			return conn.Close()
		}
		select {
		case <-look.C:
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("the server ended before it answered, see %s: %w", s.log.Name(), err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop ends the server and waits for it.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it fails only when the process has ended
	<-s.ended                                 //nolint:errcheck // how it ended is of no use to a measurement
	return s.log.Close()
}

// freeAddress returns a loopback address on which nobody listens.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// site is a data folder, and the settings that the processes on it share.
type site struct {
	binary, dir string
	env         []string
}

// newSite makes a data folder and the tables.
func newSite(ctx context.Context, binary, dir string, settings ...string) (*site, error) {
	// All posts come from one address and a few thousand devices, so the limits that each of them has are off.
	s := &site{binary: binary, dir: dir, env: append([]string{
		"TRUYVET_DATA=" + filepath.Join(dir, "data"), "PATH=" + os.Getenv("PATH"), "TRUYVET_ADDRESS_LIMIT=0", "TRUYVET_DEVICE_LIMIT=0",
	}, settings...)}
	for _, command := range []string{"init", "migrate"} {
		cmd := exec.CommandContext(ctx, binary, command) //nolint:gosec // the program that is to be measured
		cmd.Env = s.env
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("truyvet %s: %w: %s", command, err, out)
		}
	}
	return s, nil
}

// start starts a command that answers at the address that a flag gives it.
func (s *site) start(ctx context.Context, command, flag string) (*server, error) {
	return startServer(ctx, filepath.Join(s.dir, command+".log"), s.env, func(listen string) []string {
		return []string{s.binary, command, flag, listen}
	})
}

// installation is `truyvet serve` in one mode, and the town that its keys are for.
type installation struct {
	*server
	town *town
}

// install makes a data folder and serves from it.
func install(ctx context.Context, binary, dir string, settings ...string) (*installation, error) {
	s, err := newSite(ctx, binary, dir, settings...)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(ctx, s.env, nil)
	if err != nil {
		return nil, err
	}
	t, err := newTown(cfg)
	if err != nil {
		return nil, err
	}
	running, err := s.start(ctx, "serve", "--listen")
	if err != nil {
		return nil, err
	}
	return &installation{server: running, town: t}, nil
}
