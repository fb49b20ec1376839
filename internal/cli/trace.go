package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// traceFlags are the flags of the trace command as they were given.
type traceFlags struct {
	stays, scans, places string
	cases, isolated      []string
	profile, scope       string
	minOverlap, linger   string
	latency              string
	depth, crowdLimit    int
	end, asOf, format    string
	dryRun               bool
	given                *pflag.FlagSet
}

// newTraceCmd makes the command that traces cases on anybody's data.
func newTraceCmd() *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace (--stays FILE | --scans FILE --places FILE) --case PERSON@FROM/TO",
		Short: "Trace cases to their contacts on your own data",
		Long: `Traces cases through stays and lists their contacts by generation: F1, F2, and so on.

  --stays   CSV with the columns person, place, enter, leave and, if it is known, basis (checkout, moved or assumed)
  --scans   CSV with the columns person, place, at, kind (in, out or renew) and, if wanted, id; needs --places
  --places  CSV with the columns place, parent (may be empty), dwell (minutes) and,
            if it is there, area (province/district), by which scans that are
            too far apart are told

Times are unix seconds or RFC 3339, durations seconds or like 15m. What is not given comes from the profile. With --stays
there is no tree of places: people meet at any place that they share.

The CSV is sorted by generation and person; the table and the JSON have whom to call first at the top. Of several cases, each
line names those that led to the person.

With --dry-run nobody is listed: it prints how many people would be, under every profile, and under the numbers that are given
here beside them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.given = cmd.Flags()
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stays, "stays", "", "CSV file of stays")
	flags.StringVar(&f.scans, "scans", "", "CSV file of scans, from which stays are derived")
	flags.StringVar(&f.places, "places", "", "CSV file of places, for --scans")
	flags.StringArrayVar(&f.cases, "case", nil, "PERSON@FROM/TO: a case and when it could infect others; may be repeated")
	flags.StringArrayVar(&f.isolated, "isolated", nil, "PERSON@T: when a contact was isolated; may be repeated")
	flags.StringVar(&f.profile, "profile", tracing.DefaultProfile, "profile that gives what is not given here")
	flags.StringVar(&f.scope, "scope", "", "where people meet, with --scans: part, place or site")
	flags.StringVar(&f.minOverlap, "min-overlap", "", "how long an encounter must last to be a contact")
	flags.StringVar(&f.linger, "linger", "", "how long a place stays infectious after the source left")
	flags.StringVar(&f.latency, "latency", "", "how long after the exposure a contact becomes infectious")
	flags.IntVar(&f.depth, "depth", 0, "how many generations")
	flags.IntVar(&f.crowdLimit, "crowd-limit", 0, "contacts in larger crowds are listed but do not carry on; 0 for no limit")
	flags.StringVar(&f.end, "end", "", "until when contacts carry on (default the last leave)")
	flags.StringVar(&f.asOf, "as-of", "", "time at which all stays are clipped")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only count, under every profile")
	flags.StringVar(&f.format, "format", "table", "table, csv or json")
	return cmd
}

// run traces and prints.
func (f *traceFlags) run(ctx context.Context, out, notes io.Writer) error {
	plan, err := f.plan()
	if err != nil {
		return usage(err)
	}
	data, err := f.load(plan)
	if err != nil {
		return err
	}
	req := plan.request(data)
	if err := noteAbsent(ctx, data.source, req, plan.cases, notes); err != nil {
		return err
	}
	if f.dryRun {
		results, err := dryRun(ctx, data.source, req, f.dryRules(plan.numbers))
		if err != nil {
			return err
		}
		if err := plan.printDry(results, out); err != nil {
			return fmt.Errorf("printing the counts: %w", err)
		}
		return nil
	}
	report, err := tracing.Trace(ctx, data.source, req)
	if err != nil {
		return err
	}
	if err := plan.print(&tracePrinter{report, data.people, data.places, plan.casesOf(report, req)}, out); err != nil {
		return fmt.Errorf("printing the lists: %w", err)
	}
	return nil
}

// casesOf names the cases that led to each contact of a report, each person once.
func (p *tracePlan) casesOf(report *tracing.Report, req tracing.Request) map[uuid.UUID][]string {
	led := make(map[uuid.UUID][]string, len(report.Contacts))
	for n, roots := range report.Roots(req.Cases, req.Numbers.Linger) {
		var named []string
		for i := range roots.All() {
			if name := p.cases[i].person; !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
		led[report.Contacts[n].Person] = named
	}
	return led
}

// noteAbsent says of which cases the data has no stay in the window: they reach nobody, and the window may be a slip.
func noteAbsent(ctx context.Context, src tracing.Source, req tracing.Request, given []caseFlag, notes io.Writer) error {
	windows := make([]tracing.PersonWindow, len(req.Cases))
	for i, c := range req.Cases {
		windows[i] = tracing.PersonWindow{Person: c.Person, From: c.Window.From, To: c.Window.To}
	}
	present := make([]bool, len(windows))
	err := src.OfPeople(ctx, req.Numbers.Scope, windows, func(i int, _ tracing.United) error {
		present[i] = true
		return nil
	})
	if err != nil {
		return err
	}
	for i, there := range present {
		if !there {
			fmt.Fprintf(notes, "note: %s has no stay where people meet during the case's window\n", given[i].person)
		}
	}
	return nil
}

// tracePlan is what the flags ask for, checked as far as that goes without the data.
type tracePlan struct {
	cases    []caseFlag
	isolated []isolatedFlag
	numbers  tracing.Numbers
	end      int64 // math.MaxInt64: the last leave
	asOf     int64
	print    func(*tracePrinter, io.Writer) error
	printDry func([]dryCount, io.Writer) error
}

// caseFlag is a --case.
type caseFlag struct {
	person string
	window tracing.Window
}

// isolatedFlag is an --isolated.
type isolatedFlag struct {
	person string
	at     int64
}

// plan checks the flags.
func (f *traceFlags) plan() (*tracePlan, error) {
	p := &tracePlan{end: math.MaxInt64, asOf: math.MaxInt64}
	switch {
	case f.stays == "" && (f.scans == "" || f.places == ""):
		return nil, errors.New("trace needs --stays FILE, or both --scans FILE and --places FILE")
	case f.stays != "" && (f.scans != "" || f.places != ""):
		return nil, errors.New("--stays goes without --scans and --places")
	case f.stays != "" && f.scope != "":
		return nil, errors.New("--scope needs --scans and --places: --stays has no tree of places")
	case len(f.cases) == 0:
		return nil, errors.New("trace needs a --case PERSON@FROM/TO")
	}
	for _, text := range f.cases {
		c, err := parseCase(text)
		if err != nil {
			return nil, fmt.Errorf("--case: %w", err)
		}
		p.cases = append(p.cases, c)
	}
	for _, text := range f.isolated {
		i, err := parseIsolated(text)
		if err != nil {
			return nil, fmt.Errorf("--isolated: %w", err)
		}
		p.isolated = append(p.isolated, i)
	}
	for _, t := range []struct {
		name, text string
		into       *int64
	}{{"end", f.end, &p.end}, {"as-of", f.asOf, &p.asOf}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.into, err = parseInstant(t.text); err != nil {
			return nil, fmt.Errorf("--%s: %w", t.name, err)
		}
	}
	printers := map[string]func(*tracePrinter, io.Writer) error{
		"table": (*tracePrinter).table, "csv": (*tracePrinter).csv, "json": (*tracePrinter).json,
	}
	p.printDry = dryPrinters()[f.format]
	if p.print = printers[f.format]; p.print == nil {
		return nil, fmt.Errorf("--format: %q is none of table, csv, json", f.format)
	}
	var err error
	p.numbers, err = f.numbers()
	return p, err
}

// numbers are those of the profile, but for what is given.
func (f *traceFlags) numbers() (tracing.Numbers, error) {
	profile, err := tracing.ProfileNamed(f.profile)
	if err != nil {
		return tracing.Numbers{}, fmt.Errorf("--profile: %w", err)
	}
	n := profile.Numbers
	for _, d := range []struct {
		name, text string
		into       *int64
	}{{"min-overlap", f.minOverlap, &n.MinOverlap}, {"linger", f.linger, &n.Linger}, {"latency", f.latency, &n.Latency}} {
		if !f.given.Changed(d.name) {
			continue
		}
		if *d.into, err = parseDuration(d.text); err != nil {
			return n, fmt.Errorf("--%s: %w", d.name, err)
		}
	}
	if f.given.Changed("depth") {
		n.Depth = f.depth
	}
	if f.given.Changed("crowd-limit") {
		n.CrowdLimit = f.crowdLimit
	}
	switch {
	case f.stays != "":
		n.Scope = tracing.ScopePlace
	case f.scope != "":
		if n.Scope, err = tracing.ParseScope(f.scope); err != nil {
			return n, fmt.Errorf("--scope: %w", err)
		}
	}
	return n, n.Validate()
}

// parseCase reads PERSON@FROM/TO. The person may contain an @.
func parseCase(text string) (caseFlag, error) {
	at := strings.LastIndexByte(text, '@')
	from, to, hasWindow := strings.Cut(text[at+1:], "/")
	if at < 1 || !hasWindow {
		return caseFlag{}, fmt.Errorf("%q has no window: want PERSON@FROM/TO", text)
	}
	c := caseFlag{person: text[:at]}
	var err error
	if c.window.From, err = parseInstant(from); err != nil {
		return c, err
	}
	if c.window.To, err = parseInstant(to); err != nil {
		return c, err
	}
	if c.window.To <= c.window.From {
		return c, fmt.Errorf("%q: the window ends before it begins", text)
	}
	return c, nil
}

// parseIsolated reads PERSON@T. The person may contain an @.
func parseIsolated(text string) (isolatedFlag, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 1 {
		return isolatedFlag{}, fmt.Errorf("%q has no time: want PERSON@T", text)
	}
	t, err := parseInstant(text[at+1:])
	return isolatedFlag{person: text[:at], at: t}, err
}

// traceData is what the walk runs on, and the names of it.
type traceData struct {
	source         tracing.Source
	people, places *names
	lastLeave      int64
}

// load reads the files and indexes the stays.
func (f *traceFlags) load(p *tracePlan) (*traceData, error) {
	if f.stays != "" {
		stays, err := readStays(f.stays)
		if err != nil {
			return nil, err
		}
		p.nameIn(stays.people)
		stays.places.rank()
		tree, err := tracing.NewPlaces(nil)
		if err != nil {
			return nil, err
		}
		return newTraceData(p, stays.people, stays.places, tree, stays.stays()), nil
	}
	scans, err := readScans(f.scans, f.places)
	if err != nil {
		return nil, err
	}
	p.nameIn(scans.people)
	return newTraceData(p, scans.people, scans.places, scans.tree, slices.Values(scans.stays(p.asOf))), nil
}

// nameIn gives the people of the flags their places among the names, and ranks these.
func (p *tracePlan) nameIn(people *names) {
	for _, c := range p.cases {
		people.add(c.person)
	}
	for _, i := range p.isolated {
		people.add(i.person)
	}
	people.rank()
}

func newTraceData(p *tracePlan, people, places *names, tree *tracing.Places, stays iter.Seq[tracing.Stay]) *traceData {
	d := &traceData{people: people, places: places, lastLeave: math.MinInt64}
	for s := range stays {
		d.lastLeave = max(d.lastLeave, min(s.Leave, p.asOf))
	}
	d.source = memindex.BuildSeq(tree, stays).AsOf(p.asOf)
	return d
}

// request puts the plan in terms of the data.
func (p *tracePlan) request(d *traceData) tracing.Request {
	req := tracing.Request{Numbers: p.numbers, End: p.end, Isolated: make(map[uuid.UUID]int64, len(p.isolated))}
	if req.End == math.MaxInt64 {
		req.End = d.lastLeave
	}
	for _, c := range p.cases {
		req.Cases = append(req.Cases, tracing.Case{Person: d.people.id(d.people.add(c.person)), Window: c.window})
	}
	for _, i := range p.isolated {
		req.Isolated[d.people.id(d.people.add(i.person))] = i.at
	}
	return req
}
