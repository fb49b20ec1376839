package benchwalk

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// figures parses lines of a name, a value and a unit.
func figures(t *testing.T, out string) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Errorf("%q is not a name, a value and a unit", line)
			continue
		}
		if _, twice := values[fields[0]]; twice {
			t.Errorf("%s is printed twice", fields[0])
		}
		values[fields[0]] = fields[1]
		if n, err := strconv.ParseFloat(fields[1], 64); (err == nil) == (fields[2] == "query") || err == nil && n < 0 {
			t.Errorf("%q has no proper value", line)
		}
	}
	return values
}

// TestRun measures a little city once with every engine, on real servers. Run fails by itself where two answers differ.
func TestRun(t *testing.T) {
	var out, progress strings.Builder
	o := Options{Size: sizeNamed(t, "toy"), Seed: 1, Cut: DefaultCut, MostRounds: 1, Peers: PeerNames(), WalkMemory: DefaultWalkMemory}
	if err := Run(t.Context(), o, &out, &progress); err != nil {
		t.Fatalf("%v after\n%s", err, progress.String())
	}
	got := figures(t, out.String())
	var wanted []string
	for _, name := range []string{"people", "places", "days", "stays", "generate"} {
		wanted = append(wanted, "city."+name)
	}
	for _, name := range []string{"threads", "build", "ids", "bytes_per_stay", "dictionaries"} {
		wanted = append(wanted, "walk."+name)
	}
	wanted = append(wanted, "plain.build", "plain.bytes_per_stay", "sql.sqlite.load", "sql.postgres.load", "sql.clickhouse.load", "sql.chdb.load", "source.walk_memory",
		"clickhouse.load", "clickhouse.seal", "clickhouse.settle", "chdb.load", "chdb.seal", "chdb.settle")
	for _, q := range []string{"one.f1", "one.f2", "p26.f1", "p26.f2", "p26.who_when"} {
		for _, pattern := range []string{
			"%s.people", "%s.pairs", "plain.%s", "walk.%s", "walk.%s.per_contact", "walk.%s.vs_plain", "walk.%s.vs_sql", "sql.%s", "sql.%s.by",
			"sql.sqlite.%s", "sql.sqlite.%s.by", "sql.postgres.%s", "sql.postgres.%s.by", "sql.clickhouse.%s", "sql.clickhouse.%s.by",
			"sql.chdb.%s", "sql.chdb.%s.by",
			"clickhouse.%s", "clickhouse.%s.memory", "clickhouse.%s.vs_sql", "chdb.%s", "chdb.%s.memory", "chdb.%s.vs_sql",
		} {
			wanted = append(wanted, fmt.Sprintf(pattern, q))
		}
		if got[q+".people"] == "0" {
			t.Errorf("%s has an empty answer, about which all agree", q)
		}
	}
	for _, name := range wanted {
		if _, there := got[name]; !there {
			t.Errorf("there is no figure %s", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("nobody expects %s: it may have been cut", name)
	}
	for _, what := range []string{"sqlite p26.f2 ranges/distinct-rows", "postgres p26.who_when hash-slots", "clickhouse one.f2 lists/places"} {
		if !strings.Contains(progress.String(), what) {
			t.Errorf("the progress says nothing of %s", what)
		}
	}
}

func TestRunWithWrongPeers(t *testing.T) {
	for peer, want := range map[string]string{"oracle": `"oracle" is none of`, "source": "needs peer clickhouse"} {
		o := Options{Size: sizeNamed(t, "toy"), Cut: DefaultCut, MostRounds: 1, Peers: []string{peer}}
		if err := Run(t.Context(), o, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", peer, err)
		}
	}
}

// TestPeersGoOnAfterACut gives real engines next to no time, and then all that they need.
func TestPeersGoOnAfterACut(t *testing.T) {
	const tooShort = 3 * time.Millisecond // for a dozen statements, and long enough for the first to be under way
	city := Generate(sizeNamed(t, "toy"), 1)
	plain := NewPlain(city)
	questions := Questions(city, plain)
	q := questions[len(questions)-1]
	for _, name := range []string{sqliteName, postgresName, clickHouseName} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "truyvet-") // the folders above t.TempDir let no other user pass
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			p, stop, err := startPeer(t.Context(), name, dir)
			t.Cleanup(func() { _ = stop() })
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.close() }()
			if err := p.load(t.Context(), city, plain); err != nil {
				t.Fatal(err)
			}
			cut, err := answerBest(t.Context(), p, q, tooShort, 1, io.Discard)
			if err != nil || !cut.cut || cut.took != tooShort {
				t.Errorf("with next to no time it gives %+v, %v", cut, err)
			}
			got, err := answerBest(t.Context(), p, q, DefaultCut, 1, io.Discard)
			if want := digest(plain.Answer(q).Rows); err != nil || got.cut || got.digest != want {
				t.Errorf("after that it gives %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestReport(t *testing.T) {
	var out strings.Builder
	r := report{out: &out}
	r.line("a", 0, "x")
	r.line("b", 0.012346, "x")
	r.line("c", 3.14159, "x")
	r.line("d", 123456, "x")
	r.line("e", 1234.5, "x")
	r.time("walk.one.f1", 1500)
	r.time("walk.one.f2", 1500)
	r.rate("f", 3_000_000, 2e9)
	want := "a 0 x\nb 0.01235 x\nc 3.142 x\nd 123456 x\ne 1234 x\nwalk.one.f1 1.500 us\nwalk.one.f2 0.001500 ms\nf 1.500 Mstays/s\n"
	if out.String() != want {
		t.Errorf("got\n%s, want\n%s", out.String(), want)
	}
}
