package benchwalk

import (
	"fmt"
	"slices"
	"strings"
)

// dialect is how a relational engine is asked. Both have a table stays with an index on (place, enter, leave, person) and one
// on (person, enter, leave, place), and a table places with the longest stay at each place, which says how long before an
// instant somebody who is there may have come.
type dialect struct {
	text    *strings.Replacer // from the words used here to those of the engine
	analyze bool              // whether the engine is told to look at a stage's table before it plans the next stage
	ways    []way
}

// way is how the contacts of a table of presences are found, and how their sources are counted.
type way struct {
	name     string
	stages   []string // what is made of the table {from} before
	contacts string   // the query for (person, source, exposed), one row per contact, of the table {from}
	sources  string   // the query for (person, value) of {contacts}
}

// How contacts are found. Both join conditions say the same of a stay t and a presence p; the order of the joined tables is
// free in the first and given in the second, where an index look-up follows for each presence.
const (
	joined = "SELECT t.person, p.person AS source, GREATEST(p.since, t.enter) AS exposed FROM {from} p JOIN stays t " + sameTime + " WHERE " + longEnough
	looked = "SELECT t.person, p.person AS source, GREATEST(p.since, t.enter) AS exposed FROM {from} p CROSS JOIN LATERAL (" +
		"SELECT t.person, t.enter, t.leave FROM stays t WHERE " + sameTimeOf + " OFFSET 0) t WHERE " + longEnough
	ordered = "SELECT t.person, p.person AS source, GREATEST(p.since, t.enter) AS exposed FROM {from} p CROSS JOIN stays t " + sameTime + " WHERE " + longEnough
	hashed  = "SELECT t.person, p.person AS source, GREATEST(p.since, t.enter) AS exposed FROM slots p JOIN stays t" +
		" ON t.place = p.place AND t.enter / 3600 = p.slot WHERE " + longEnough

	sameTime   = "ON " + sameTimeOf
	sameTimeOf = "t.place = p.place AND t.enter > p.earliest AND t.enter <= p.until - {min} AND t.leave >= p.since + {min}"
	longEnough = "LEAST(p.until, t.leave) - GREATEST(p.since, t.enter) >= {min} AND t.person <> p.person"
)

// How sources are counted.
const (
	distinctRows  = "SELECT person, COUNT(*) AS value FROM (SELECT DISTINCT person, source FROM ({contacts}) AS c) AS d GROUP BY person"
	distinctCount = "SELECT person, COUNT(DISTINCT source) AS value FROM ({contacts}) AS c GROUP BY person"
)

// inSlots gives each presence a row for each hour in which a stay must begin to meet it, so that it is found by equality.
const inSlots = "CREATE TEMP TABLE slots AS SELECT *, generate_series(earliest / 3600, (until - {min}) / 3600) AS slot FROM {from}"

// presencesOf is where the people of a table with (person, since, until) were then.
const presencesOf = "SELECT c.person, s.place, GREATEST(s.enter, c.since) AS since, LEAST(s.leave, c.until) AS until," +
	" GREATEST(s.enter, c.since) - l.longest AS earliest" +
	" FROM {people} c CROSS JOIN stays s CROSS JOIN places l" +
	" WHERE s.person = c.person AND s.enter < c.until AND s.leave > c.since AND l.place = s.place" +
	" AND LEAST(s.leave, c.until) - GREATEST(s.enter, c.since) >= {min}"

// mergedWindows unites what the presences at a place make dangerous. Cut by the shortest contact at its end, a presence meets
// a stay cut likewise just when that is a contact; and those that overlap or touch then may be taken for one.
const mergedWindows = "CREATE TEMP TABLE windows AS" +
	" SELECT -1 AS person, place, MIN(since) AS since, MAX(until) AS until, MIN(earliest) AS earliest FROM (" +
	"SELECT *, SUM(fresh) OVER (PARTITION BY place ORDER BY since, until ROWS UNBOUNDED PRECEDING) AS island FROM (" +
	"SELECT *, CASE WHEN since <= MAX(until - {min}) OVER (PARTITION BY place ORDER BY since, until" +
	" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS fresh FROM presences) AS f) AS i" +
	" GROUP BY place, island"

// formulations returns each way to ask a question.
func (d dialect) formulations(q Question) []formulation {
	stages := []string{
		"CREATE TEMP TABLE cases AS " + casesQuery(q.Cases),
		"CREATE TEMP TABLE seen AS " + fill(presencesOf, "{people}", "cases"),
	}
	stages = append(stages, d.look("seen")...)
	stages = append(stages, "CREATE TEMP TABLE listed AS SELECT person, MIN(exposed) AS since, {end} AS until FROM ("+
		fill(d.ways[0].contacts, "{from}", "seen")+") AS c WHERE person NOT IN (SELECT person FROM cases) GROUP BY person")
	const inFirst = "SELECT person, since - {start} AS value FROM listed"
	if q.Kind == F1 {
		return []formulation{d.formulation(d.ways[0].name, stages, inFirst)}
	}
	stages = append(stages, d.look("listed")...)
	stages = append(stages, "CREATE TEMP TABLE presences AS "+fill(presencesOf, "{people}", "listed")+" ORDER BY 2, 3")
	stages = append(stages, d.look("presences")...)
	from := "presences"
	if q.Kind == WhoWhen {
		from = "windows"
		stages = append(append(stages, mergedWindows), d.look(from)...)
	}
	const others = "person NOT IN (SELECT person FROM listed) AND person NOT IN (SELECT person FROM cases)"
	var all []formulation
	for _, w := range d.ways {
		own := stages[:len(stages):len(stages)]
		for _, stage := range w.stages {
			own = append(own, fill(stage, "{from}", from))
		}
		contacts := fill(w.contacts, "{from}", from)
		answer := "SELECT * FROM (" + fill(w.sources, "{contacts}", contacts) + ") AS n WHERE " + others
		if q.Kind == WhoWhen {
			answer = inFirst + " UNION ALL SELECT person, MIN(exposed) - {start} FROM (" + contacts + ") AS c WHERE " + others + " GROUP BY person"
		}
		f := d.formulation(w.name, own, answer)
		same := func(g formulation) bool { return g.answer == f.answer && slices.Equal(g.stages, f.stages) }
		if !slices.ContainsFunc(all, same) { // ways that only count differently
			all = append(all, f)
		}
	}
	return all
}

// look returns the stage, if any, that tells the planner about a table.
func (d dialect) look(table string) []string {
	if !d.analyze {
		return nil
	}
	return []string{"ANALYZE " + table}
}

// formulation brings texts into the words of the engine, and makes the answer's query one for its digest.
func (d dialect) formulation(name string, stages []string, rows string) formulation {
	words := func(text string) string {
		text = fill(text, "{min}", fmt.Sprint(MinOverlap), "{start}", fmt.Sprint(Start), "{end}", fmt.Sprint(End))
		return d.text.Replace(text)
	}
	f := formulation{name: name, answer: words(digestQuery(rows))}
	for _, stage := range stages {
		f.stages = append(f.stages, words(stage))
	}
	return f
}

// digestQuery makes a query for (person, value) one for its digest.
func digestQuery(rows string) string {
	return "SELECT COUNT(*), CAST(COALESCE(SUM(value), 0) AS bigint), CAST(COALESCE(SUM(x * x % 2147483647), 0) AS bigint) FROM (" +
		"SELECT value, (CAST(person AS bigint) * 48271 + CAST(value AS bigint) * 16807) % 2147483647 AS x FROM (" + rows + ") AS r) AS h"
}

// casesQuery gives the cases as rows.
func casesQuery(cases []Case) string {
	rows := make([]string, len(cases))
	for i, c := range cases {
		rows[i] = fmt.Sprintf("SELECT %d AS person, %d AS since, %d AS until", c.Person, c.From, c.To)
	}
	return strings.Join(rows, " UNION ALL ")
}

// fill puts texts in the place of names.
func fill(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

// stageTables are those that stages make.
func stageTables() []string {
	return []string{"cases", "seen", "listed", "presences", "slots", "windows"}
}
