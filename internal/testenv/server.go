// Package testenv starts real servers on free loopback ports, for tests and for trying out a cluster on one machine.
//
// A server keeps its data in the directory that it is given, so it can be killed and started again on the same port and
// data. No server outlives the process that started it.
package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a server process of ours. Its methods are for one goroutine at a time.
type Server struct {
	Addr       string // host:port that clients connect to
	SecureAddr string // the same over TLS; empty where it does not speak that
	Dir        string // data, configuration and log

	program
	ports   []int
	process *process
}

// program is how a kind of server is run.
type program struct {
	name    string // for messages
	binary  string
	install string // the command that installs it
	ports   int    // how many it needs
	// configure writes configuration files and returns the arguments.
	configure func(dir string, ports []int) ([]string, error)
	// ready returns nil once the server answers.
	ready func(ctx context.Context, ports []int) error
	// user is whom it runs as; nil for ourselves.
	user *unixUser
	// stop is the signal that asks it to end; SIGTERM where it is nil.
	stop os.Signal
	// leftover is what the program says when it ended because processes of a killed one are still about to end. It is
	// started again until they have.
	leftover string
}

// Bounds on waiting for a server. They are generous since a loaded machine is slow, and reached only when it fails.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	pollInterval = 20 * time.Millisecond
	portAttempts = 5
)

// start runs a program for the first time. Another process may take a free port before the server does, so it is tried
// with several.
func start(ctx context.Context, dir string, p program) (s *Server, err error) {
	err = onFreePorts(ctx, p.ports, func(ports []int) error {
		s, err = startOn(ctx, dir, p, ports)
		return err
	})
	return s, err
}

// onFreePorts calls run with n free ports, and with others when it says that a server exited, as one does whose port was
// taken meanwhile.
func onFreePorts(ctx context.Context, n int, run func(ports []int) error) error {
	var err error
	for range portAttempts {
		ports, fault := freePorts(n)
		if fault != nil {
			return fault
		}
		if err = run(ports); err == nil || ctx.Err() != nil || !errors.Is(err, errExited) {
			break
		}
	}
	return err
}

// startOn runs a program for the first time, on given ports.
func startOn(ctx context.Context, dir string, p program, ports []int) (*Server, error) {
	path, err := findBinary(p.binary)
	if err != nil {
		return nil, fmt.Errorf("%s is not installed; install it with: %s", p.binary, p.install)
	}
	p.binary = path
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of %s: %w", p.name, err)
	}
	s := &Server{Dir: dir, program: p, ports: ports, Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// findBinary looks where servers live too, which is not on everybody's path.
func findBinary(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}

func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // all at once, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// dial connects to a port, for an exchange of a second.
func dial(ctx context.Context, port int) (net.Conn, error) {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// errExited says that a server ended by itself instead of answering.
var errExited = errors.New("it exited")

// Restart starts a server that was stopped or killed, on the same port and data, and returns when it answers.
func (s *Server) Restart(ctx context.Context) error {
	args, err := s.configure(s.Dir, s.ports)
	if err != nil {
		return fmt.Errorf("configuring %s: %w", s.name, err)
	}
	if s.process, err = spawn(s.binary, args, s.Dir, s.user); err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := s.ready(ctx, s.ports)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.ended:
			said := s.process.lastOutput()
			if s.leftover == "" || !strings.Contains(said, s.leftover) || ctx.Err() != nil {
				return fmt.Errorf("starting %s: %w: %w: %s", s.name, errExited, s.process.err, said)
			}
			<-tick.C
			if s.process, err = spawn(s.binary, args, s.Dir, s.user); err != nil {
				return fmt.Errorf("starting %s: %w", s.name, err)
			}
		case <-ctx.Done():
			_ = s.Kill()
			return fmt.Errorf("waiting for %s to answer: %w (last: %w)", s.name, ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Stop asks the server to end and waits for it; after half a minute it is killed and Stop fails. Stopping a server that
// has ended does nothing.
func (s *Server) Stop() error {
	ask := s.stop
	if ask == nil {
		ask = syscall.SIGTERM
	}
	s.process.signal(ask)
	select {
	case <-s.process.ended:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s did not stop within %s and was killed", s.name, stopTimeout), s.Kill())
	}
}

// Signal sends a signal to the server, as SIGSTOP to make it hang and SIGCONT to let it go on.
func (s *Server) Signal(sig syscall.Signal) error {
	if err := s.process.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signalling %s: %w", s.name, err)
	}
	return nil
}

// PID is the number of the server's process, while it runs.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Kill ends the server with SIGKILL and waits for it.
func (s *Server) Kill() error {
	s.process.signal(syscall.SIGKILL)
	<-s.process.ended
	return nil
}

// process is a child process that is killed when ours dies.
type process struct {
	cmd    *exec.Cmd
	output string        // the file that holds what it wrote
	err    error         // how it ended, once ended is closed
	ended  chan struct{} // closed when it has ended and was waited for
}

func spawn(binary string, args []string, dir string, user *unixUser) (*process, error) {
	p := &process{output: filepath.Join(dir, "output.log"), ended: make(chan struct{})}
	out, err := os.OpenFile(p.output, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(binary, args...) //nolint:gosec // one of the servers of this package
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = runAs(dieWithParent(), user)
	started := make(chan error)
	go func() {
		// The kernel kills the child when the thread that started it ends, so this one must last as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = out.Close() }()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		if p.err == nil {
			p.err = errors.New("with status 0")
		}
		close(p.ended)
	}()
	return p, <-started
}

func (p *process) signal(sig os.Signal) {
	// It fails only when the process has ended, which ended tells.
	_ = p.cmd.Process.Signal(sig)
}

// lastOutput returns the end of what the process wrote.
func (p *process) lastOutput() string {
	text, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	const enough = 2000
	return string(bytes.TrimSpace(text[max(0, len(text)-enough):]))
}
