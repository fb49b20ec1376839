package benchwalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/chdb"
)

// Options say what to measure.
type Options struct {
	Size Size
	Seed uint64
	Cut  time.Duration // how long a query of a peer may take; it counts as this long then
	// MostRounds is how often a question is asked at most, where it is positive: with 1, figures are rough and soon there.
	MostRounds int
	// Peers are what to run beside the two walks in memory, of PeerNames. SQLite and PostgreSQL sit out the largest city all
	// the same.
	Peers []string
	// WalkMemory is in how many MiB a walk over ClickHouse tells sources apart: what TRUYVET_WALK_MEMORY sets.
	WalkMemory int
}

// The peers: three engines that answer in SQL, the walk over our own source on the server of the third, and both of these on
// a current ClickHouse in this process.
const (
	sqliteName     = "sqlite"
	postgresName   = "postgres"
	clickHouseName = "clickhouse"
	sourceName     = "source"
	chDBName       = "chdb"
)

// PeerNames returns the peers that there are.
func PeerNames() []string { return append(UsualPeers(), chDBName) }

// UsualPeers returns those that run where nobody says otherwise.
func UsualPeers() []string { return []string{sqliteName, postgresName, clickHouseName, sourceName} }

// DefaultWalkMemory is the setting's default.
const DefaultWalkMemory = 256

// validate says which peers cannot be run.
func (o Options) validate() error {
	for _, name := range o.Peers {
		if !slices.Contains(PeerNames(), name) {
			return fmt.Errorf("peer %q is none of %v", name, PeerNames())
		}
	}
	if slices.Contains(o.Peers, sourceName) && !slices.Contains(o.Peers, clickHouseName) {
		return fmt.Errorf("peer %s needs peer %s, on whose server it runs", sourceName, clickHouseName)
	}
	return nil
}

// DefaultCut is the cut of the published figures.
const DefaultCut = 60 * time.Second

// Run makes the city, asks every engine every question, and writes a line "name value unit" for each figure to out as soon
// as it is known, and what it is doing to progress. Servers are started on free loopback ports, with their data in temporary
// folders that are removed. It fails when two engines differ in an answer.
func Run(ctx context.Context, o Options, out, progress io.Writer) error {
	if err := o.validate(); err != nil {
		return err
	}
	b := &bench{Options: o, report: report{out: out}, progress: progress}
	b.say("making the city")
	begin := time.Now()
	b.city = Generate(o.Size, o.Seed)
	b.line("city.people", float64(b.city.People), "people")
	b.line("city.places", float64(b.city.Places), "places")
	b.line("city.days", Days, "days")
	b.line("city.stays", float64(len(b.city.Stays)), "stays")
	b.seconds("city.generate", time.Since(begin))
	for _, step := range []func(context.Context) error{b.walkPlainly, b.walkIndexed, b.askPeers} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	b.compare()
	return nil
}

// bench is a run.
type bench struct {
	Options
	report
	progress io.Writer

	city      *City
	plain     *Plain
	questions []Question
	answers   map[string][]Row // of the plain walk, by question
	pairs     map[string]int

	plainly map[string]time.Duration // by question
	ours    map[string]time.Duration
	best    map[string]peerResult // the best SQL by question
	bestBy  map[string]string     // whose it is
	same    []comparison
}

// comparison is how long our source and the best SQL took on one ClickHouse engine.
type comparison struct {
	name        string // of the engine and the question
	source, sql time.Duration
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// walkPlainly takes the answers that all others must give too.
func (b *bench) walkPlainly(ctx context.Context) error {
	b.say("plain walk")
	begin := time.Now()
	b.plain = NewPlain(b.city)
	b.rate("plain.build", len(b.city.Stays), time.Since(begin))
	b.line("plain.bytes_per_stay", float64(b.plain.Bytes())/float64(len(b.city.Stays)), "B")
	b.questions = Questions(b.city, b.plain)
	b.answers, b.pairs, b.plainly = make(map[string][]Row), make(map[string]int), make(map[string]time.Duration)
	for _, q := range b.questions {
		answer, pairs := b.plain.AnswerPairs(q)
		b.answers[q.Name], b.pairs[q.Name] = answer.Rows, pairs
		b.line(q.Name+".people", float64(len(answer.Rows)), "people")
		b.line(q.Name+".pairs", float64(pairs), "contacts")
		took, err := medianOf(ctx, func(_ context.Context, q Question) ([]Row, time.Duration, error) {
			begin := time.Now()
			rows := b.plain.Answer(q).Rows
			return rows, time.Since(begin), nil
		}, q, answer.Rows, b.Cut, b.MostRounds)
		if err != nil {
			return fmt.Errorf("plain walk: %w", err)
		}
		b.plainly[q.Name] = took
		b.time("plain."+q.Name, took)
	}
	return nil
}

func (b *bench) walkIndexed(ctx context.Context) error {
	b.say("memory index")
	x, err := newIndexed(b.city)
	if err != nil {
		return err
	}
	runtime.GC()
	n := len(b.city.Stays)
	size := x.index.Size()
	b.ours = make(map[string]time.Duration)
	b.line("walk.threads", float64(runtime.GOMAXPROCS(0)), "threads")
	b.rate("walk.build", n, x.build)
	b.rate("walk.ids", x.stays, x.ids)
	b.line("walk.bytes_per_stay", float64(size.Bytes)/float64(n), "B")
	b.line("walk.dictionaries", float64(size.Dictionaries)/(1<<20), "MiB")
	for _, q := range b.questions {
		took, err := medianOf(ctx, x.ask, q, b.answers[q.Name], b.Cut, b.MostRounds)
		if err != nil {
			return err
		}
		b.ours[q.Name] = took
		b.time("walk."+q.Name, took)
		b.line("walk."+q.Name+".per_contact", float64(took.Nanoseconds())/float64(max(1, b.pairs[q.Name])), "ns")
	}
	return nil
}

// askPeers runs the peers one after the other.
func (b *bench) askPeers(ctx context.Context) error {
	b.best, b.bestBy = make(map[string]peerResult), make(map[string]string)
	if slices.Contains(b.Peers, sourceName) || slices.Contains(b.Peers, chDBName) {
		b.line("source.walk_memory", float64(b.WalkMemory), "MiB")
	}
	for _, name := range b.Peers {
		if name == sourceName { // with the server of another
			continue
		}
		if (name == sqliteName || name == postgresName) && !b.Size.Relational {
			b.say("%s sits out", name)
			continue
		}
		debug.FreeOSMemory() // the peer needs what the index had
		if err := b.askPeer(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// askPeer starts a peer in a folder of its own and asks it.
func (b *bench) askPeer(ctx context.Context, name string) (err error) {
	dir, err := os.MkdirTemp("", "truyvet-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, stop, err := startPeer(ctx, name, dir)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	times, err := b.askInSQL(ctx, p)
	if err = errors.Join(err, p.close()); err != nil {
		return err
	}
	if c, is := p.(*clickHousePeer); is && (name == chDBName || slices.Contains(b.Peers, sourceName)) {
		return b.askSource(ctx, c, times)
	}
	return nil
}

// startPeer starts an engine with its data in dir. What it returns to stop it is there even where it fails.
func startPeer(ctx context.Context, name, dir string) (p peer, stop func() error, err error) {
	var server *testenv.Server
	stop = func() error {
		if server == nil {
			return nil
		}
		return server.Stop()
	}
	switch name {
	case sqliteName:
		p, err = openSQLite(ctx, dir)
	case postgresName:
		if server, err = testenv.StartPostgres(ctx, dir, testenv.PostgresOptions{Args: postgresArgs()}); err == nil {
			p, err = openPostgres(ctx, server.Addr)
		}
	case clickHouseName:
		if server, err = testenv.StartClickHouse(ctx, dir, testenv.ClickHouseOptions{MarkCache: 5 << 30}); err == nil {
			p, err = openClickHouse(name, nativeOptions(server.Addr))
		}
	default:
		var engine *chdb.Engine
		if engine, err = chdb.Start(dir); err == nil {
			stop = func() error { engine.Close(); return nil }
			p, err = openClickHouse(name, chDBOptions(engine))
		}
	}
	return p, stop, err
}

// askInSQL loads a peer, asks it everything and returns its times by question.
func (b *bench) askInSQL(ctx context.Context, p peer) (map[string]time.Duration, error) {
	b.say("%s: loading", p.name())
	begin := time.Now()
	if err := p.load(ctx, b.city, b.plain); err != nil {
		return nil, fmt.Errorf("loading %s: %w", p.name(), err)
	}
	prefix := "sql." + p.name() + "."
	b.seconds(prefix+"load", time.Since(begin))
	times := make(map[string]time.Duration)
	for _, q := range b.questions {
		r, err := answerBest(ctx, p, q, b.Cut, b.MostRounds, b.progress)
		if err != nil {
			return nil, err
		}
		times[q.Name] = r.took
		b.time(prefix+q.Name, r.took)
		b.text(prefix+q.Name+".by", r.formulation, "query")
		if r.cut {
			b.seconds(prefix+q.Name+".cut", b.Cut)
		} else if want := digest(b.answers[q.Name]); r.digest != want {
			return nil, fmt.Errorf("%s answers %s with %+v, and the plain walk with %+v", p.name(), q.Name, r.digest, want)
		}
		if best, any := b.best[q.Name]; !any || r.took < best.took {
			b.best[q.Name], b.bestBy[q.Name] = r, p.name()
		}
	}
	return times, nil
}

// askSource walks over the scan store on an engine whose SQL took sql.
func (b *bench) askSource(ctx context.Context, engine *clickHousePeer, sql map[string]time.Duration) error {
	prefix := engine.name() + "."
	b.say("%s source: loading two scans for each stay", engine.name())
	begin := time.Now()
	s, err := openStored(ctx, engine.options, "scans", int64(b.WalkMemory)<<20)
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	if err := s.load(ctx, b.city); err != nil {
		return err
	}
	b.seconds(prefix+"load", time.Since(begin)-s.seal)
	b.seconds(prefix+"seal", s.seal)
	settled, err := s.settle(ctx)
	if err != nil {
		return err
	}
	b.seconds(prefix+"settle", settled)
	for _, q := range b.questions {
		took, err := medianOf(ctx, s.ask, q, b.answers[q.Name], b.Cut, b.MostRounds)
		if errors.Is(err, errCut) {
			b.seconds(prefix+q.Name+".cut", b.Cut)
		} else if err != nil {
			return err
		}
		b.say("  %s source %s: %s", engine.name(), q.Name, took)
		b.time(prefix+q.Name, took)
		peak, err := peakOf(func() error {
			_, _, err := s.ask(ctx, q)
			return err
		})
		if err != nil {
			return err
		}
		b.line(prefix+q.Name+".memory", float64(peak)/(1<<20), "MiB")
		b.same = append(b.same, comparison{prefix + q.Name, took, sql[q.Name]})
	}
	return nil
}

// compare writes the figures that set one engine against another.
func (b *bench) compare() {
	for _, q := range b.questions {
		ours := b.ours[q.Name]
		b.line("walk."+q.Name+".vs_plain", ratio(b.plainly[q.Name], ours), "x")
		if best, any := b.best[q.Name]; any {
			b.time("sql."+q.Name, best.took)
			b.text("sql."+q.Name+".by", b.bestBy[q.Name]+":"+best.formulation, "query")
			b.line("walk."+q.Name+".vs_sql", ratio(best.took, ours), "x")
		}
	}
	for _, c := range b.same {
		b.line(c.name+".vs_sql", ratio(c.sql, c.source), "x")
	}
}

func ratio(theirs, ours time.Duration) float64 { return float64(theirs) / float64(max(1, ours)) }
