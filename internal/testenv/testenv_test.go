package testenv_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// childDir names, in the environment of a process of this test, the directory of the server that it starts.
const childDir = "TRUYVET_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := startAndHang(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// redisDo sends one command and returns the line of its answer.
func redisDo(t *testing.T, addr, command string) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), err
}

func TestRedisKeepsItsDataAndPort(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	addr := server.Addr
	if got, err := redisDo(t, addr, "SET a 1"); err != nil || got != "+OK" {
		t.Fatal(got, err)
	}
	for name, end := range map[string]func() error{"killed": server.Kill, "stopped": server.Stop} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if _, err := redisDo(t, addr, "PING"); err == nil {
			t.Fatalf("%s, it still answers", name)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := redisDo(t, addr, "INCR a"); err != nil || got[0] != ':' || got == ":1" {
			t.Errorf("%s and restarted, it answers %q, %v", name, got, err)
		}
	}
	if strings.HasSuffix(addr, ":6379") {
		t.Error("it took the default port")
	}
}

func TestRedisThatCannotStart(t *testing.T) {
	_, err := testenv.StartRedis(t.Context(), t.TempDir(), testenv.RedisOptions{Args: []string{"--no-such-option", "1"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("with a wrong option: %v", err)
	}
}

func TestMissingBinaryNamesItsPackage(t *testing.T) {
	if _, err := os.Stat("/usr/sbin/redis-server"); err == nil {
		t.Log("redis-server is where it is always found; the message cannot be seen here")
		return
	}
	t.Setenv("PATH", t.TempDir())
	_, err := testenv.StartRedis(t.Context(), t.TempDir(), testenv.RedisOptions{})
	if err == nil || !strings.Contains(err.Error(), "apt-get install -y redis-server") {
		t.Errorf("without a binary: %v", err)
	}
}

func TestClickHouseKeepsItsDataAndPort(t *testing.T) {
	server := testserver.ClickHouse(t, testenv.ClickHouseOptions{Timezone: "Asia/Ho_Chi_Minh"})
	for name, end := range map[string]func() error{"killed": server.Kill, "stopped": server.Stop} {
		before := server.Addr
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if conn, err := net.Dial("tcp", before); err == nil {
			_ = conn.Close()
			t.Fatalf("%s, it still listens", name)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", before)
		if err != nil {
			t.Fatalf("%s and restarted: %v", name, err)
		}
		_ = conn.Close()
	}
	if _, err := os.Stat(filepath.Join(server.Dir, "data")); err != nil {
		t.Errorf("its data is not in its directory: %v", err)
	}
}

func startAndHang(dir string) error {
	ctx := context.Background()
	server, err := testenv.StartRedis(ctx, dir, testenv.RedisOptions{})
	if err != nil {
		return err
	}
	fmt.Println(server.Addr)
	select {}
}

func TestServerDiesWithItsParent(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), childDir+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr = strings.TrimSpace(addr)
	if got, err := redisDo(t, addr, "PING"); err != nil || got != "+PONG" {
		t.Fatalf("before: %q, %v", got, err)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone := time.After(30 * time.Second)
	for {
		if _, err := redisDo(t, addr, "PING"); err != nil {
			return
		}
		select {
		case <-gone:
			t.Fatal("the server outlived the process that started it")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
