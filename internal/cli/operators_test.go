package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/tracing/stay"
)

// program runs a command line as main does, with these settings.
func program(t *testing.T, env []string, args ...string) (out string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := Run(t.Context(), args, env, &stdout, &stderr)
	if exit := new(ExitError); errors.As(err, &exit) {
		return stdout.String() + err.Error(), exit.Code
	} else if err != nil {
		return stdout.String() + err.Error(), ExitFailure
	}
	return stdout.String(), 0
}

// bury puts bytes to the dead letters as a worker does that cannot read them.
func bury(t *testing.T, consumer *redisstream.Consumer, raw []byte, to *redis.Client) {
	t.Helper()
	if err := to.XAdd(t.Context(), &redis.XAddArgs{Stream: "tv:{0}:scans", Values: []any{"s", raw}}).Err(); err != nil {
		t.Fatal(err)
	}
	for {
		entries, err := consumer.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			continue
		}
		if err := consumer.Bury(t.Context(), entries[0], "unknown version of the scan's wire form: 99"); err != nil {
			t.Fatal(err)
		}
		return
	}
}

// TestDeadLetters lists, shows and puts back over a real Redis, and holds the exit codes.
func TestDeadLetters(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	env := []string{
		"TRUYVET_REDIS_URL=redis://" + server.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://127.0.0.1:1/d", "TRUYVET_SHARDS=1",
		"TRUYVET_DATA=" + t.TempDir(),
	}
	consumer, err := redisstream.OpenConsumer("redis://"+server.Addr+"/0", redisstream.ConsumerOptions{
		Layout: redisstream.Layout{Shards: 1}, Name: "w",
	})
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = errors.Join(consumer.Close(), client.Close()) })

	now := time.Now().Unix()
	s := scan.Scan{ID: uuid.New(), Alias: uuid.New(), Place: uuid.New(), At: now, ReceivedAt: now, Kind: stay.In, How: scan.Phone, Serial: 1}
	raw, err := s.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	bury(t, consumer, raw, client)
	bury(t, consumer, []byte("\x63 of the future"), client)

	out, code := program(t, env, "deadletter", "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 3 || !strings.Contains(lines[1], " no ") || !strings.Contains(lines[2], " yes ") {
		t.Fatalf("list: %d\n%s", code, out)
	}
	unreadable, good := strings.Fields(lines[1])[0], strings.Fields(lines[2])[0]
	if out, code := program(t, env, "deadletter", "list", "--most", "1"); code != 0 || strings.Count(out, "\n") != 2 {
		t.Errorf("list of one: %d\n%s", code, out)
	}
	out, code = program(t, env, "deadletter", "show", good)
	for _, want := range []string{s.ID.String(), s.Alias.String(), s.Place.String(), "unknown version", "in\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("show (%d) lacks %s:\n%s", code, want, out)
		}
	}
	if out, code := program(t, env, "deadletter", "show", unreadable); code != 0 || !strings.Contains(out, "63206f6620746865") {
		t.Errorf("show: %d\n%s", code, out)
	}
	if out, code := program(t, env, "deadletter", "replay", "--all"); code != ExitRefused || !strings.Contains(out, good+" is back") || !strings.Contains(out, unreadable+" stays") {
		t.Errorf("replay --all: %d\n%s", code, out)
	}
	if out, code := program(t, env, "deadletter", "replay", good); code != ExitRefused {
		t.Errorf("replay of what is back: %d\n%s", code, out)
	}
	if n, err := client.XLen(t.Context(), "tv:{0}:scans").Result(); err != nil || n != 3 {
		t.Errorf("%d entries, %v; two were sent and one was put back", n, err)
	}
	for args, want := range map[string]int{
		"show 0/1-1": ExitRefused, "show x": ExitRefused, "show": ExitUsage, "replay": ExitUsage, "replay --all 0/1-1": ExitUsage,
		"list x": ExitUsage, "list --most 0": ExitUsage,
	} {
		if out, code := program(t, env, append([]string{"deadletter"}, strings.Fields(args)...)...); code != want {
			t.Errorf("deadletter %s: %d, want %d\n%s", args, code, want, out)
		}
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if out, code := program(t, env, "deadletter", "list"); code != ExitFailure {
		t.Errorf("without Redis: %d\n%s", code, out)
	}
	if out, code := program(t, env[3:], "deadletter", "list"); code != ExitFailure || !strings.Contains(out, "cluster mode") {
		t.Errorf("standalone: %d\n%s", code, out)
	}
}

func TestStatus(t *testing.T) {
	answering := func(status, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/status" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = w.Write([]byte(`{"process":"serve","version":"abc","uptime_seconds":61,"status":"` + status + `","parts":[` + body + `]}`))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	part := `{"name":"disk","status":"degraded","detail":"little is left","facts":{"disk_free_bytes":1048576,"backlog_seconds":1.5,"dead_letters":3}}`
	degraded, down := answering("degraded", part), answering("down", "")
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{degraded}, 0, []string{"up 1m1s", "disk", "little is left", "disk free 1.0 MiB", "backlog 1.5s", "dead letters 3"}},
		{[]string{degraded + "/", down}, ExitRefused, []string{"degraded", "down"}},
		{[]string{down, gone.URL, degraded}, ExitFailure, []string{"no answer", "little is left"}},
		{[]string{degraded + "/elsewhere"}, ExitFailure, []string{"404"}},
		{[]string{"--every", "1ms", degraded}, ExitUsage, nil},
	} {
		out, code := program(t, nil, append([]string{"status"}, c.args...)...)
		if code != c.code || strings.Contains(out, "\x1b") {
			t.Errorf("%v: %d, want %d\n%s", c.args, code, c.code, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v lacks %q:\n%s", c.args, want, out)
			}
		}
	}
	if out, code := program(t, []string{"TRUYVET_OPS_LISTEN=off"}, "status"); code != ExitUsage {
		t.Errorf("of nobody: %d\n%s", code, out)
	}
}

// TestStatusOnATerminal shows the page twice, with the sequences that put one in the place of the other.
func TestStatusOnATerminal(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 3 {
			stop()
		}
		_, _ = w.Write([]byte(`{"process":"serve","status":"ready","parts":[]}`))
	}))
	defer s.Close()
	var out bytes.Buffer
	if err := watchStatus(ctx, &out, []string{s.URL}, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\x1b[H"); n != 2 {
		t.Errorf("%d pages:\n%q", n, out.String())
	}
}
