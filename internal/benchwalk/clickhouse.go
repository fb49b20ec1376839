package benchwalk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/truyvet/truyvet/internal/testenv/chdb"
)

// clickHousePeer is a ClickHouse engine with the stays in two orders, each merged into one part. Its SQL is what releases
// since 2018 understand: joins by equality, arrays, no window functions, no ASOF.
type clickHousePeer struct {
	called  string
	options clickhouse.Options
	conn    driver.Conn
}

func openClickHouse(called string, o clickhouse.Options) (*clickHousePeer, error) {
	o.MaxOpenConns, o.MaxIdleConns = 1, 1 // temporary tables are the connection's
	o.ReadTimeout = 5 * time.Minute       // beyond any cut
	c := &clickHousePeer{called: called, options: o}
	return c, c.connect()
}

// nativeOptions are how a server is reached.
func nativeOptions(addr string) clickhouse.Options {
	return clickhouse.Options{
		Addr: []string{addr}, Auth: clickhouse.Auth{Username: "default", Database: "default"},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	}
}

// chDBOptions are how the engine of this process is reached.
func chDBOptions(engine *chdb.Engine) clickhouse.Options {
	o := *engine.Options()
	o.Auth.Database = "default"
	// As in 2018, ANY takes a row of the right for each of the left, and what is joined needs no name.
	o.Settings = clickhouse.Settings{"any_join_distinct_right_table_keys": 1, "joined_subquery_requires_alias": 0}
	return o
}

func (c *clickHousePeer) connect() error {
	conn, err := clickhouse.Open(&c.options)
	if err != nil {
		return fmt.Errorf("opening ClickHouse: %w", err)
	}
	c.conn = conn
	return nil
}

func (c *clickHousePeer) name() string { return c.called }

func (c *clickHousePeer) load(ctx context.Context, city *City, p *Plain) error {
	// The hour of the entry is in the key so that a set of places and hours finds its stays by the index, which is fine enough
	// to tell the days of a place apart.
	const columns = " (person UInt32, place UInt32, enter UInt32, leave UInt32, hour UInt32 MATERIALIZED intDiv(enter, 3600))" +
		" ENGINE = MergeTree PARTITION BY tuple() ORDER BY "
	for _, statement := range []string{
		"CREATE TABLE by_person" + columns + "(person, enter) SETTINGS index_granularity = 1024",
		"CREATE TABLE by_place" + columns + "(place, hour, enter) SETTINGS index_granularity = 256",
		"CREATE TABLE places (place UInt32, longest UInt32) ENGINE = Memory",
	} {
		if err := c.exec(ctx, statement); err != nil {
			return err
		}
	}
	n := len(city.Stays)
	if err := c.insert(ctx, "by_person (person, place, enter, leave)", n, func(i int) [4]uint32 {
		t := &city.Stays[i]
		return [4]uint32{t.Person, t.Place, t.Enter, t.Leave}
	}); err != nil {
		return err
	}
	place := uint32(0)
	if err := c.insert(ctx, "by_place (person, place, enter, leave)", n, func(i int) [4]uint32 {
		for uint32(i) >= p.placeStart[place+1] {
			place++
		}
		t := &p.byPlace[i]
		return [4]uint32{t.other, place, t.enter, t.leave}
	}); err != nil {
		return err
	}
	batch, err := c.conn.PrepareBatch(ctx, "INSERT INTO places (place, longest)")
	if err != nil {
		return err
	}
	for place, longest := range p.longest {
		if err := batch.Append(uint32(place), longest); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	return errors.Join(c.merge(ctx, "by_person"), c.merge(ctx, "by_place"))
}

// insert puts n rows of four into a table in blocks of a million.
func (c *clickHousePeer) insert(ctx context.Context, table string, n int, row func(int) [4]uint32) error {
	const block = 1 << 20
	var columns [4][]uint32
	for from := 0; from < n; from += block {
		for i := range columns {
			columns[i] = columns[i][:0]
		}
		for i := from; i < min(from+block, n); i++ {
			for j, value := range row(i) {
				columns[j] = append(columns[j], value)
			}
		}
		batch, err := c.conn.PrepareBatch(ctx, "INSERT INTO "+table)
		if err != nil {
			return err
		}
		for i, column := range columns {
			if err := batch.Column(i).Append(column); err != nil {
				return err
			}
		}
		if err := batch.Send(); err != nil {
			return err
		}
	}
	return nil
}

// merge brings a table into one part. An old server does nothing, and says so to nobody, while it merges by itself.
func (c *clickHousePeer) merge(ctx context.Context, table string) error {
	for {
		if err := c.exec(ctx, "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			return err
		}
		var parts uint64
		err := c.conn.QueryRow(ctx, "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = '"+table+"'").Scan(&parts)
		if err != nil || parts <= 1 {
			return err
		}
	}
}

// Texts of the stages, in which {s} is the length of a slot in seconds.
const (
	clickHousePresences = "SELECT person, place, greatest(enter, c_since) AS p_since, least(leave, c_until) AS p_until" +
		" FROM (SELECT person, place, enter, leave FROM by_person WHERE person IN (SELECT person FROM {people}))" +
		" ANY INNER JOIN (SELECT person, since AS c_since, until AS c_until FROM {people}) USING (person)" +
		" WHERE enter < c_until AND leave > c_since AND p_until >= p_since + {min}"
	// A presence is listed under each slot in which a stay must begin to meet it.
	clickHouseSlotted = "SELECT place, person AS source, p_since, p_until," +
		" arrayJoin(arrayMap(i -> toUInt32(first_slot + i), range(toUInt32(last_slot - first_slot + 1)))) AS slot FROM (" +
		"SELECT place, person, p_since, p_until, intDiv(p_since - longest, {s}) AS first_slot, intDiv(p_until - {min}, {s}) AS last_slot" +
		" FROM {from} ANY INNER JOIN places USING (place))"
	// Stays that may be met, of the places at all or of the slots: one of an hour is part of the key.
	clickHouseOfPlaces = "SELECT place, person, enter, leave, toUInt32(intDiv(enter, {s})) AS slot FROM by_place" +
		" WHERE place IN (SELECT place FROM slots)"
	clickHouseOfHours = "SELECT place, person, enter, leave, hour AS slot FROM by_place WHERE (place, hour) IN (SELECT place, slot FROM slots)"
	clickHousePairs   = "SELECT person, source, greatest(enter, p_since) AS exposed FROM ({candidates})" +
		" ALL INNER JOIN slots USING (place, slot)" +
		" WHERE least(leave, p_until) >= greatest(enter, p_since) + {min} AND person != source"
	// The same with the presences of a slot in an array, so that each candidate is joined to one row.
	clickHouseLists = "SELECT place, slot, groupArray(source) AS sources, groupArray(p_since) AS sinces," +
		" groupArray(p_until) AS untils FROM (" + clickHouseSlotted + ") GROUP BY place, slot"
	clickHouseMatched = "SELECT person, enter, arrayFilter((a, b, w) -> least(leave, b) >= greatest(enter, a) + {min} AND w != person," +
		" sinces, untils, sources) AS met_since, arrayFilter((w, a, b) -> least(leave, b) >= greatest(enter, a) + {min} AND w != person," +
		" sources, sinces, untils) AS met FROM (SELECT person, enter, leave, sources, sinces, untils FROM ({candidates})" +
		" ANY INNER JOIN slots USING (place, slot)) WHERE leave > enter AND notEmpty(met)"
	// Beginnings and ends at a place in one sorted array, an instant twice plus one for an end: where as many have ended as
	// have begun, a united window is over.
	clickHouseWindows = "CREATE TEMPORARY TABLE windows AS SELECT place, toUInt32({nobody}) AS person, toUInt32(intDiv(a, 2)) AS p_since," +
		" toUInt32(intDiv(b, 2) + {min}) AS p_until FROM (" +
		"SELECT place, arraySort(groupArray(event)) AS events, arrayCumSum(arrayMap(e -> if(e % 2 = 0, 1, -1), events)) AS open," +
		" arrayFilter((e, n) -> e % 2 = 0 AND n = 1, events, open) AS begins, arrayFilter((e, n) -> n = 0, events, open) AS ends" +
		" FROM (SELECT place, arrayJoin([toUInt64(p_since) * 2, toUInt64(p_until - {min}) * 2 + 1]) AS event FROM presences) GROUP BY place" +
		") ARRAY JOIN begins AS a, ends AS b"
)

func (*clickHousePeer) formulations(q Question) []formulation {
	var all []formulation
	for _, by := range []struct {
		name       string
		slot       int
		candidates string
	}{{"hours", hour, clickHouseOfHours}, {"places", 4 * hour, clickHouseOfPlaces}} {
		slots := func(text, from string) string { return "CREATE TEMPORARY TABLE slots AS " + fill(text, "{from}", from) }
		pairs, matched := fill(clickHousePairs, "{candidates}", by.candidates), fill(clickHouseMatched, "{candidates}", by.candidates)
		add := func(name string, stages []string, rows string) {
			all = append(all, clickHouseFormulation(name+"/"+by.name, by.slot, stages, rows))
		}
		const inFirst = "SELECT person, toUInt32(since - {start}) AS value FROM listed"
		const others = "person NOT IN (SELECT person FROM listed) AND person NOT IN (SELECT person FROM cases)"
		stages := []string{
			"CREATE TEMPORARY TABLE cases AS " + clickHouseCases(q.Cases),
			"CREATE TEMPORARY TABLE seen AS " + fill(clickHousePresences, "{people}", "cases"),
			slots(clickHouseSlotted, "seen"),
			"CREATE TEMPORARY TABLE listed AS SELECT person, min(exposed) AS since, toUInt32({end}) AS until FROM (" +
				pairs + ") WHERE person NOT IN (SELECT person FROM cases) GROUP BY person",
		}
		if q.Kind == F1 {
			add("pairs", stages, inFirst)
			continue
		}
		stages = append(stages, "DROP TABLE slots", "CREATE TEMPORARY TABLE presences AS "+fill(clickHousePresences, "{people}", "listed"))
		from := "presences"
		if q.Kind == WhoWhen {
			from = "windows"
			stages = append(stages, clickHouseWindows)
		}
		inPairs := append(slices.Clone(stages), slots(clickHouseSlotted, from))
		inLists := append(slices.Clone(stages), slots(clickHouseLists, from))
		if q.Kind == F2 {
			add("pairs", inPairs, "SELECT person, toUInt32(uniqExact(source)) AS value FROM ("+pairs+") WHERE "+others+" GROUP BY person")
			add("lists", inLists, "SELECT person, toUInt32(uniqExactArray(met)) AS value FROM ("+matched+") WHERE "+others+" GROUP BY person")
			continue
		}
		const exposed = " UNION ALL SELECT person, toUInt32(min(exposed) - {start}) AS value FROM ("
		add("merged-pairs", inPairs, inFirst+exposed+pairs+") WHERE "+others+" GROUP BY person")
		add("merged-lists", inLists, inFirst+exposed+"SELECT person, greatest(enter, arrayReduce('min', met_since)) AS exposed FROM ("+
			matched+")) WHERE "+others+" GROUP BY person")
	}
	return all
}

func clickHouseFormulation(name string, slot int, stages []string, rows string) formulation {
	words := strings.NewReplacer("{min}", strconv.Itoa(MinOverlap), "{s}", strconv.Itoa(slot), "{start}", fmt.Sprint(Start),
		"{end}", fmt.Sprint(End), "{nobody}", fmt.Sprint(never))
	f := formulation{name: name, answer: words.Replace("SELECT toInt64(count()), toInt64(sum(value)), toInt64(sum(x * x % 2147483647)) FROM (" +
		"SELECT value, (toUInt64(person) * 48271 + toUInt64(value) * 16807) % 2147483647 AS x FROM (" + rows + "))")}
	for _, stage := range stages {
		f.stages = append(f.stages, words.Replace(stage))
	}
	return f
}

// clickHouseCases gives the cases as rows.
func clickHouseCases(cases []Case) string {
	rows := make([]string, len(cases))
	for i, c := range cases {
		rows[i] = fmt.Sprintf("(%d, %d, %d)", c.Person, c.From, c.To)
	}
	return "SELECT toUInt32(c.1) AS person, toUInt32(c.2) AS since, toUInt32(c.3) AS until FROM (SELECT arrayJoin([" +
		strings.Join(rows, ", ") + "]) AS c)"
}

func (c *clickHousePeer) exec(ctx context.Context, statement string) error {
	return c.conn.Exec(ctx, statement)
}

func (c *clickHousePeer) ask(ctx context.Context, query string) (d Digest, err error) {
	err = c.conn.QueryRow(ctx, query).Scan(&d.People, &d.Sum, &d.Hash)
	return d, err
}

// reset begins a new session, with which the temporary tables of the one before end; those of chDB, which has one session, are
// dropped.
func (c *clickHousePeer) reset(ctx context.Context) error {
	_ = c.conn.Close()
	if err := c.connect(); err != nil {
		return err
	}
	for _, table := range stageTables() {
		if err := c.exec(ctx, "DROP TEMPORARY TABLE IF EXISTS "+table); err != nil {
			return err
		}
	}
	return nil
}

func (c *clickHousePeer) close() error { return c.conn.Close() }
