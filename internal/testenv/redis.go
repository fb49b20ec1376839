package testenv

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// RedisOptions say how a redis-server is to differ from the usual: append-only file, fsync always, no snapshots.
type RedisOptions struct {
	Args []string // further arguments, such as "--maxmemory", "20mb"
	// Certificate makes it answer at Server.SecureAddr too, over TLS; without clients having certificates of their own.
	Certificate Certificate
}

// StartRedis starts a redis-server with its data in dir.
func StartRedis(ctx context.Context, dir string, o RedisOptions) (*Server, error) {
	secure := o.Certificate != (Certificate{})
	ports := 1
	if secure {
		ports = 2
	}
	s, err := start(ctx, dir, program{
		name:    "redis-server",
		binary:  "redis-server",
		install: "apt-get install -y redis-server",
		ports:   ports,
		configure: func(dir string, ports []int) ([]string, error) {
			args := []string{
				"--port", strconv.Itoa(ports[0]),
				"--bind", "127.0.0.1",
				"--dir", dir,
				"--appendonly", "yes",
				"--appendfsync", "always",
				"--save", "",
				"--maxmemory-policy", "noeviction",
				"--daemonize", "no",
			}
			if secure {
				args = append(args, "--tls-port", strconv.Itoa(ports[1]), "--tls-cert-file", o.Certificate.CertFile,
					"--tls-key-file", o.Certificate.KeyFile, "--tls-auth-clients", "no")
			}
			return append(args, o.Args...), nil
		},
		ready: func(ctx context.Context, ports []int) error { return pingRedis(ctx, ports[0]) },
	})
	if err == nil && secure {
		s.SecureAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.ports[1]))
	}
	return s, err
}

// pingRedis speaks just enough of the protocol to know that the server answers and has loaded its data.
func pingRedis(ctx context.Context, port int) error {
	conn, err := dial(ctx, port)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if answer = strings.TrimSpace(answer); answer != "+PONG" {
		return fmt.Errorf("it answered %q", answer)
	}
	return nil
}
