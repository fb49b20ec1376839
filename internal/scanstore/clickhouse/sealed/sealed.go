package sealed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Scans is what is read of the scan store.
type Scans interface {
	Conn() driver.Conn
	// OnEachServer calls do for each server that holds a part of the tables, with the name that a table has there.
	OnEachServer(ctx context.Context, do func(server driver.Conn, local func(table string) string) error) error
	ScansOf(ctx context.Context, aliases []uuid.UUID, upTo scanlog.Watermark, take func(*scan.Scan)) error
	AliasesSince(ctx context.Context, after, upTo scanlog.Watermark, yield func([]uuid.UUID) error) error
	AliasesAt(ctx context.Context, places []uuid.UUID, upTo scanlog.Watermark, take func(uuid.UUID)) error
}

// World is what stays are derived with, of one revision of the registry.
type World struct {
	Revision int64
	Infos    []tracing.PlaceInfo // of Places
	Places   *tracing.Places
	Links    *stay.Links
	// Changed returns the aliases whose person, or erasure, is not what it was at an earlier revision; more do no harm. For
	// [Beginning] it returns all that have a link or an erasure. The error is ErrRevision where that revision never was.
	Changed func(ctx context.Context, since int64) ([]uuid.UUID, error)
}

// Beginning is the revision before any alias was linked.
const Beginning int64 = -1

// ErrRevision says that the registry has never been at a revision, as after an older copy of it was put back.
var ErrRevision = errors.New("the registry has never been at that revision")

// ErrUnsealed says that too many people have scans that no pass has sealed.
var ErrUnsealed = errs.Busy("stays_not_sealed",
	"Too many scans are waiting to be made into stays; that goes on in the background, run again in a few minutes.", time.Minute)

// ErrOld says that a source was used for longer than what it reads is kept.
var ErrOld = errs.Busy("source_too_old", "The run took longer than the data that it reads is kept; run again.", time.Second)

// Options bound what is used; zero values mean the defaults.
type Options struct {
	Memory int64 // bytes that a walk may use to tell sources apart, 256 MiB by default
	Fresh  int   // people whose stays a run derives from scans by itself at most, 100,000 by default
	Clock  func() time.Time
}

// Stays are the sealed stays of a scan store. It is safe for concurrent use.
type Stays struct {
	scans Scans
	conn  driver.Conn
	o     Options
	sizes sizes

	mu    sync.Mutex
	known *known // of the chain of passes that was read last
}

// sizes are those by which work is cut and a way is chosen; tests make them small.
type sizes struct {
	workers   int
	chunk     int64 // about so many bytes of groups are worked at together
	pairs     int   // so many places of a day stand in a query
	sweepFrom int   // from the share of people, one in so many, on all places are read
	aliases   int   // are derived together
	staged    int   // bytes of groups that a pass keeps before it writes them away
}

// New returns the sealed stays beside some scans, whose store was migrated.
func New(scans Scans, o Options) *Stays {
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Fresh <= 0 {
		o.Fresh = 100_000
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Stays{scans: scans, conn: scans.Conn(), o: o, sizes: sizes{
		workers: runtime.GOMAXPROCS(0) + 1, chunk: 4 << 20, pairs: 4_000, sweepFrom: 64, aliases: 20_000, staged: 64 << 20,
	}}
}

// What the rows of the tables are of.
const (
	ofPlace  uint8 = 0
	ofPerson uint8 = 1
)

// pass is a finished pass. The body is kept as JSON.
type pass struct {
	ID       uint64 `json:"-"`
	Previous uint64 `json:"-"`

	Watermark scanlog.Watermark `json:"watermark"` // up to which scans are in it
	Revision  int64             `json:"revision"`  // of the links and erasures that it was derived with
	Tree      uint64            `json:"tree"`      // the pass that wrote the places which it was derived with
	TreeSize  int               `json:"tree_size"`
	People    int               `json:"people"` // who have a number
	Places    int               `json:"places"`
	Links     int               `json:"links"` // rows of links that were written up to it
	First     scan.Day          `json:"first"` // the first day that is kept
	At        int64             `json:"at"`    // when it was finished
	Days      []sealedDay       `json:"days"`  // ascending
}

// sealedDay is the stays that were entered on a UTC day.
type sealedDay struct {
	Day     int32  `json:"day"`
	Version uint64 `json:"version"`
	Rows    uint64 `json:"rows"`
	Bytes   int64  `json:"bytes"`  // of the groups of places
	Latest  int64  `json:"latest"` // when the last of them ends
}

// known is what the passes of a chain have numbered.
type known struct {
	passes    map[uint64]bool
	numbering *memindex.Numbering
}

// chain returns the newest pass and those before it that it was made of, newest first, as far as what each wrote is not asked
// for. A pass that was given up, or lost against another, is not in it. It is empty where one was lost, and with it what it
// numbered.
func (s *Stays) chain(ctx context.Context) ([]pass, error) {
	previous := make(map[uint64]uint64)
	newest := uint64(0)
	err := s.each(ctx, "SELECT pass, previous FROM sealed_passes", func(rows driver.Rows) error {
		var id, before uint64
		err := rows.Scan(&id, &before)
		previous[id] = before
		newest = max(newest, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the passes: %w", err)
	}
	var all []pass
	for id := newest; id != 0; id = previous[id] {
		if _, there := previous[id]; !there {
			return nil, nil
		}
		all = append(all, pass{ID: id, Previous: previous[id]})
	}
	return all, nil
}

// read reads the body of a pass.
func (s *Stays) read(ctx context.Context, p *pass) error {
	var body string
	err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT body FROM sealed_passes WHERE pass = %d LIMIT 1", p.ID)).Scan(&body)
	if err == nil {
		err = json.Unmarshal([]byte(body), p)
	}
	if err != nil {
		return fmt.Errorf("reading a pass: %w", err)
	}
	return nil
}

// whole says whether everything that a pass wrote is there: a server that lost its power may have lost rows.
func (s *Stays) whole(ctx context.Context, p *pass) (bool, error) {
	rows := make(map[partition]uint64)
	err := s.eachPartition(ctx, func(_ driver.Conn, _ string, of partition, n uint64) error {
		rows[of] += n
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("counting sealed stays: %w", err)
	}
	for _, d := range p.Days {
		if rows[partition{d.Day, d.Version}] != d.Rows {
			return false, nil
		}
	}
	return true, nil
}

// partition is what a version of a day is in.
type partition struct {
	day     int32
	version uint64
}

// eachPartition gives take the partitions of sealed stays of each server, with the table that they are in there and how many
// rows they have.
func (s *Stays) eachPartition(ctx context.Context, take func(server driver.Conn, table string, of partition, rows uint64) error) error {
	return s.scans.OnEachServer(ctx, func(server driver.Conn, local func(string) string) error {
		table := local("sealed_stays")
		rows, err := server.Query(ctx, "SELECT partition, sum(rows) FROM system.parts"+
			" WHERE active AND database = currentDatabase() AND table = '"+table+"' GROUP BY partition")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		found := make(map[partition]uint64)
		for rows.Next() {
			var name string
			var n uint64
			if err := rows.Scan(&name, &n); err != nil {
				return err
			}
			var of partition
			if _, err := fmt.Sscanf(name, "(%d,%d)", &of.day, &of.version); err != nil {
				return fmt.Errorf("partition %s: %w", name, err)
			}
			found[of] = n
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for of, n := range found {
			if err := take(server, table, of, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// daysAre is the condition of a row being of some days, in the version that is meant.
func daysAre(days []sealedDay) string {
	of := make([]string, len(days))
	for i, d := range days {
		of[i] = fmt.Sprintf("day = %d AND version = %d", d.Day, d.Version)
	}
	if len(of) == 0 {
		return "0"
	}
	return "(" + strings.Join(of, " OR ") + ")"
}

// each runs a query and gives its rows to take, until there is an error.
func (s *Stays) each(ctx context.Context, query string, take func(driver.Rows) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the rows are closed, so that a query that is given up is not read to its end
	rows, err := s.begin(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := take(rows); err != nil {
			cancel()
			return err
		}
	}
	return rows.Err()
}

// patience is how often a query waits for a connection, each time for as long as the driver dials.
const patience = 12

// begin begins a query. Where other walks hold all connections, or a busy server is slow to open one, it waits for longer than the
// driver does: what a walk of a minute has found so far is not given up for a few seconds.
func (s *Stays) begin(ctx context.Context, query string) (rows driver.Rows, err error) {
	for range patience {
		if rows, err = s.conn.Query(ctx, query); !errors.Is(err, clickhouse.ErrAcquireConnTimeout) {
			break
		}
	}
	return rows, err
}

// quickly has the server give what it reads in blocks of a size that is soon there, by one thread: there are as many queries
// at a time as are good.
func quickly(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 4096, "max_threads": 1}))
}

// numbered returns the numbers of the people and places of a chain, and false where some were lost.
func (s *Stays) numbered(ctx context.Context, chain []pass) (*memindex.Numbering, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := make(map[uint64]bool, len(chain))
	for _, p := range chain {
		in[p.ID] = true
	}
	if s.known != nil {
		for id := range s.known.passes {
			if !in[id] {
				s.known = nil
				break
			}
		}
	}
	if s.known == nil {
		s.known = &known{passes: make(map[uint64]bool), numbering: memindex.NewNumbering(chain[0].People, chain[0].Places)}
	}
	oldest := uint64(0)
	for _, p := range chain {
		if !s.known.passes[p.ID] {
			oldest = p.ID
		}
	}
	if oldest == 0 {
		return s.known.numbering, true, nil
	}
	people, places := s.known.numbering.Names()
	newPeople := make([]uuid.UUID, chain[0].People-len(people))
	newPlaces := make([]tracing.Place, chain[0].Places-len(places))
	found := 0
	err := s.each(ctx, fmt.Sprintf("SELECT pass, what, number, id, trip FROM sealed_numbers WHERE pass >= %d", oldest), func(rows driver.Rows) error {
		var of uint64
		var what uint8
		var number uint32
		var id, trip uuid.UUID
		if err := rows.Scan(&of, &what, &number, &id, &trip); err != nil {
			return err
		}
		if !in[of] || s.known.passes[of] {
			return nil
		}
		if n := int(number) - len(people); what == ofPerson && n >= 0 && n < len(newPeople) {
			newPeople[n] = id
			found++
		}
		if n := int(number) - len(places); what == ofPlace && n >= 0 && n < len(newPlaces) {
			newPlaces[n] = tracing.Place{ID: id, Trip: trip}
			found++
		}
		return nil
	})
	if err != nil {
		s.known = nil
		return nil, false, fmt.Errorf("reading the numbers of people and places: %w", err)
	}
	numbering := s.known.numbering
	for i, id := range newPeople {
		if numbering.Person(id) != uint32(len(people)+i) {
			found = -1
		}
	}
	for i, p := range newPlaces {
		if numbering.Place(p) != uint32(len(places)+i) {
			found = -1
		}
	}
	if found != len(newPeople)+len(newPlaces) {
		s.known = nil
		return nil, false, nil
	}
	for id := range in {
		s.known.passes[id] = true
	}
	return numbering, true, nil
}

// latest returns the newest pass and the numbers that it is written with; nil where there is none that is whole.
func (s *Stays) latest(ctx context.Context) (*pass, *memindex.Numbering, error) {
	chain, err := s.chain(ctx)
	if err != nil || len(chain) == 0 {
		return nil, nil, err
	}
	p := &chain[0]
	if err := s.read(ctx, p); err != nil {
		return nil, nil, err
	}
	if is, err := s.whole(ctx, p); !is || err != nil {
		return nil, nil, err
	}
	numbering, is, err := s.numbered(ctx, chain)
	if !is || err != nil {
		return nil, nil, err
	}
	return p, numbering, nil
}

// treeOf returns the places that a pass was derived with, and false where some were lost.
func (s *Stays) treeOf(ctx context.Context, p *pass) ([]tracing.PlaceInfo, bool, error) {
	infos := make([]tracing.PlaceInfo, 0, p.TreeSize)
	err := s.each(ctx, fmt.Sprintf("SELECT id, parent, dwell, area FROM sealed_places WHERE pass = %d", p.Tree), func(rows driver.Rows) error {
		var info tracing.PlaceInfo
		err := rows.Scan(&info.ID, &info.Parent, &info.Dwell, &info.Area)
		infos = append(infos, info)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("reading the places of a pass: %w", err)
	}
	return infos, len(infos) == p.TreeSize, nil
}

// linked says whether all links that the passes of the chain wrote are there.
func (s *Stays) linked(ctx context.Context, p *pass) (bool, error) {
	found := uint64(0)
	err := s.each(ctx, "SELECT pass, count() FROM sealed_world WHERE what = 1 GROUP BY pass", func(rows driver.Rows) error {
		var of, n uint64
		err := rows.Scan(&of, &n)
		if s.inChain(of) {
			found += n
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("counting the links of a pass: %w", err)
	}
	return found == uint64(p.Links), nil
}

// linksOf returns whom aliases stood for in a pass, where they were linked then.
func (s *Stays) linksOf(ctx context.Context, p *pass, aliases []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	type link struct {
		person uuid.UUID
		pass   uint64
	}
	links := make(map[uuid.UUID]link)
	for part := range slices.Chunk(aliases, listed) {
		ids := make([]string, len(part))
		for i, id := range part {
			ids[i] = "'" + id.String() + "'"
		}
		query := fmt.Sprintf("SELECT pass, id, other FROM sealed_world WHERE what = 1 AND pass <= %d AND id IN (%s)", p.ID, strings.Join(ids, ","))
		err := s.each(ctx, query, func(rows driver.Rows) error {
			var of uint64
			var alias, person uuid.UUID
			if err := rows.Scan(&of, &alias, &person); err != nil {
				return err
			}
			if s.inChain(of) && of > links[alias].pass {
				links[alias] = link{person, of}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the links of a pass: %w", err)
		}
	}
	persons := make(map[uuid.UUID]uuid.UUID, len(links))
	for alias, l := range links {
		persons[alias] = l.person
	}
	return persons, nil
}

func (s *Stays) inChain(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known != nil && s.known.passes[id]
}

// listed is how many UUIDs are written into a query.
const listed = 5_000
