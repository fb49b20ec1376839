package testenv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// PostgresOptions say how a PostgreSQL server is to differ from the usual.
type PostgresOptions struct {
	Args []string // further arguments, such as "-c", "shared_buffers=1GB"
}

// StartPostgres starts a PostgreSQL server with its data in dir. The user and the database are postgres, without a
// password, from this machine only.
//
// PostgreSQL refuses to run as root. Where we are root it runs as the user postgres, or nobody where there is none; dir is
// given to that user, who must be able to pass through the folders above it.
func StartPostgres(ctx context.Context, dir string, o PostgresOptions) (*Server, error) {
	user, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the directory of postgres: %w", err)
	}
	binary := findPostgres()
	return start(ctx, dir, program{
		name:    "postgres",
		binary:  binary,
		install: "apt-get install -y postgresql",
		ports:   1,
		configure: func(dir string, ports []int) ([]string, error) {
			data := filepath.Join(dir, "data")
			if err := initPostgres(ctx, filepath.Join(filepath.Dir(binary), "initdb"), data, user); err != nil {
				return nil, err
			}
			return append([]string{
				"-D", data,
				"-p", strconv.Itoa(ports[0]),
				"-c", "listen_addresses=127.0.0.1",
				"-c", "unix_socket_directories=",
			}, o.Args...), nil
		},
		ready: func(ctx context.Context, ports []int) error { return greetPostgres(ctx, ports[0]) },
		user:  user,
		stop:  syscall.SIGINT, // SIGTERM would wait for every client to leave
		// The processes of a killed server see a little later that it is gone.
		leftover: "pre-existing shared memory block",
	})
}

// findPostgres returns the newest release that Debian installed, which it does outside everybody's path, or else whichever
// is on the path.
func findPostgres() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 { // the pattern is right, so there is no error
		if path, err := exec.LookPath("postgres"); err == nil {
			return path
		}
		return "postgres"
	}
	release := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4]) // 0, the oldest, for a folder that names no release
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return release(a) - release(b) })
}

// initPostgres makes the data directory where there is none yet.
func initPostgres(ctx context.Context, initdb, data string, user *unixUser) error {
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		return nil
	}
	if err := user.own(filepath.Dir(data)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync") //nolint:gosec // beside the server
	cmd.Dir = filepath.Dir(data)
	cmd.SysProcAttr = runAs(dieWithParent(), user)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making its data directory: %w: %s", err, out)
	}
	return nil
}

// greetPostgres begins a session as any client does and ends it: while the server reads its log it answers with an error.
func greetPostgres(ctx context.Context, port int) error {
	conn, err := dial(ctx, port)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	const protocol, parameters = 3 << 16, "user\x00postgres\x00database\x00postgres\x00\x00"
	hello := binary.BigEndian.AppendUint32(nil, uint32(8+len(parameters)))
	hello = binary.BigEndian.AppendUint32(hello, protocol)
	if _, err := conn.Write(append(hello, parameters...)); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[0] != 'R' {
		return errors.New("it refuses clients as yet")
	}
	_, err = conn.Write([]byte{'X', 0, 0, 0, 4})
	return err
}
