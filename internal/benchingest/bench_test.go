package benchingest

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// aMoment is long enough for a contestant to do something, and no measure of it.
const aMoment = 50 * time.Millisecond

// TestNoopTakesPosts posts to the server that does nothing, and sees that what is posted is what a client would send.
func TestNoopTakesPosts(t *testing.T) {
	cfg, err := config.Load(t.Context(), []string{"TRUYVET_DATA=" + filepath.Join(t.TempDir(), "data")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Init(t.Context(), cfg, time.Now); err != nil {
		t.Fatal(err)
	}
	someTown, err := newTown(cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ServeNoop(ctx, listener) }()
	target := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	for _, scans := range []int{1, batch} {
		p := poster{town: someTown, target: target, connections: 3, scans: scans}
		if rate, err := p.measure(t.Context(), aMoment); err != nil || rate <= 0 {
			t.Errorf("%d scans a post: %v a second, %v", scans, rate, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRawContestants sees each of them do its work.
func TestRawContestants(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { _ = client.Close() }()
	for _, scans := range []int{1, batch} {
		if rate, err := (rawRedis{client, 2, scans}).measure(t.Context(), aMoment); err != nil || rate <= 0 {
			t.Errorf("XADD by %d: %v a second, %v", scans, rate, err)
		}
	}
	rows, err := openRawSQLite(t.Context(), t.TempDir(), 2, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.db.Close() }()
	if rate, err := rows.measure(t.Context(), aMoment); err != nil || rate <= 0 {
		t.Errorf("SQLite: %v a second, %v", rate, err)
	}
	if rate, err := (stream{address: "redis://" + server.Addr, client: client, scans: 2000}).read(t.Context(), 0); err != nil || rate <= 0 {
		t.Errorf("reading a stream: %v a second, %v", rate, err)
	}
	if left := client.DBSize(t.Context()).Val(); left != 0 {
		t.Errorf("%d keys are left", left)
	}
}

// TestRounds sees the median of the rounds after the first in the lines, and the comparisons of what ran.
func TestRounds(t *testing.T) {
	var out, progress strings.Builder
	b := &bench{Options: Options{Rounds: 3}, out: &out, progress: &progress, figures: make(map[string]float64)}
	of := func(name string, figures ...float64) contestant {
		return contestant{name, "scans/s", func(context.Context, time.Duration) (float64, error) {
			next := figures[0]
			figures = figures[1:]
			return next, nil
		}}
	}
	err := b.rounds(t.Context(), []contestant{of("noop.single", 9, 200, 100, 300), of("ingest.single.redis", 9, 90, 120, 100)})
	if err != nil {
		t.Fatal(err)
	}
	b.compare()
	want := []string{"noop.single 200 scans/s", "ingest.single.redis 100 scans/s", "ingest.single.redis.vs_noop 0.500 x"}
	if got := strings.Split(strings.TrimSpace(out.String()), "\n"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestPostsAreScans reads a post as a server would.
func TestPostsAreScans(t *testing.T) {
	p := posts{town: &town{credentials: []string{"who"}, codes: []string{"CODE"}}, random: newRandom(1), host: "h", scans: 2}
	_, body, _ := strings.Cut(string(p.write()), "\r\n\r\n")
	var read struct {
		Scans []struct{ ID, Token, Kind string }
	}
	if err := json.Unmarshal([]byte(body), &read); err != nil || len(read.Scans) != 2 || read.Scans[0].ID == read.Scans[1].ID || len(read.Scans[0].ID) != 36 {
		t.Errorf("%s: %v", body, err)
	}
}

// TestTicksOf reads the time of a process whose name is made to mislead.
func TestTicksOf(t *testing.T) {
	ticks, err := ticksOf("42 (a) b 7 (c) S 1 42 42 0 -1 4194304 100 0 3 0 250 31 0 0 20 0 9 0 1234 1 2 3")
	if err != nil || ticks != 281 {
		t.Errorf("%v, %v", ticks, err)
	}
	for _, stat := range []string{"", "42 (a)", "42 (a) S 1 42 42 0 -1 4194304 100 0 3 0 x 31 0 0"} {
		if _, err := ticksOf(stat); err == nil {
			t.Errorf("%q: no error", stat)
		}
	}
}
