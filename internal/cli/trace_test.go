package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// runTracing runs one of the two commands and returns what it prints.
func runTracing(t testing.TB, cmd *cobra.Command, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, notes bytes.Buffer
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&notes)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), notes.String(), err
}

// file writes a file for one test.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Two hops: an meets binh for 20 minutes and chi for 10; binh meets dung.
const fewStays = `person,place,enter,leave
an,room,1000,4000
binh,room,1600,2800
chi,room,3400,4600
binh,bus,5000,7000
dung,bus,5000,6500
dung,empty,9000,9000
`

func TestTraceCSV(t *testing.T) {
	const header = "person,generation,first_exposure,overlap,encounters,last_exposure,certainty,score,crowd,sources,cases\n"
	const binh = "binh,1,1600,1200,1,2800,confirmed,3000,2,an,an\n"
	const dung = "dung,2,5000,1500,1,6500,confirmed,4090,1,binh,an\n"
	const chi = "chi,1,3400,600,1,4000,confirmed,1500,2,an,an\n"
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"default profile", nil, binh + dung},
		{"any overlap", []string{"--min-overlap", "0"}, binh + chi + dung},
		{"overlap in Go's form", []string{"--min-overlap", "10m"}, binh + chi + dung},
		{"overlap in seconds", []string{"--min-overlap", "601"}, binh + dung},
		{"another profile", []string{"--profile", "vn-5053"}, binh + chi + dung},
		{"which an option overrides", []string{"--profile", "vn-5053", "--min-overlap", "15m"}, binh + dung},
		{"depth", []string{"--depth", "1"}, binh},
		{"crowd limit", []string{"--crowd-limit", "1"}, binh},
		{"isolated", []string{"--isolated", "binh@5600"}, binh},
		{"isolated late enough", []string{"--isolated", "binh@1970-01-01T01:48:20Z"}, binh + dung},
		{"end", []string{"--end", "5600"}, binh},
		{"latency", []string{"--latency", "1h"}, binh + "dung,2,5200,1300,1,6500,confirmed,3545,1,binh,an\n"},
		{"linger", []string{"--linger", "5m"}, binh + "chi,1,3400,900,1,4300,confirmed,2250,2,an,an\n" + dung},
		{"as of", []string{"--as-of", "6000"}, binh + "dung,2,5000,1000,1,6000,confirmed,2727,1,binh,an\n"},
	}
	stays := file(t, "stays.csv", fewStays)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"--stays", stays, "--case", "an@0/1970-01-02T07:00:00+07:00", "--format", "csv"}, tt.args...)
			out, notes, err := runTracing(t, newTraceCmd(), args...)
			if err != nil || notes != "" {
				t.Fatalf("error %v, notes %q", err, notes)
			}
			if out != header+tt.want {
				t.Errorf("got\n%swant\n%s%s", out, header, tt.want)
			}
		})
	}
}

func TestTraceTableAndJSONAreInTheOrderOfTheScore(t *testing.T) {
	stays := file(t, "stays.csv", "\ufeffleave,basis,enter,place,person,note\n"+
		"4000,checkout,1000,room,an,x\n1900,assumed,1000,room,a first by name,x\n4000,checkout,1000,room,\"z, last by name\",x\n")
	args := []string{"--stays", stays, "--case", "an@0/9999"}
	table, _, err := runTracing(t, newTraceCmd(), args...)
	if err != nil {
		t.Fatal(err)
	}
	want := `LIST  PERSON           FIRST EXPOSURE        LAST EXPOSURE         OVERLAP  ENCOUNTERS  CERTAINTY  CROWD  SOURCES  CASES
F1    z, last by name  1970-01-01T00:16:40Z  1970-01-01T01:06:40Z  50m0s    1           confirmed  2      an       an
F1    a first by name  1970-01-01T00:16:40Z  1970-01-01T00:31:40Z  15m0s    1           possible   2      an       an

F1: 2
`
	if table != want {
		t.Errorf("got\n%swant\n%s", table, want)
	}

	text, _, err := runTracing(t, newTraceCmd(), append(args, "--format", "json")...)
	if err != nil {
		t.Fatal(err)
	}
	var lists struct{ Contacts []namedContact }
	if err := json.Unmarshal([]byte(text), &lists); err != nil {
		t.Fatal(err)
	}
	if len(lists.Contacts) != 2 || lists.Contacts[0].Person != "z, last by name" || len(lists.Contacts[1].Evidence) != 1 {
		t.Fatalf("got %s", text)
	}
	if e := lists.Contacts[1].Evidence[0]; e.Source != "an" || e.Place != "room" || e.ContactBasis.String() != "assumed" || e.To != 1900 {
		t.Errorf("evidence %+v", e)
	}
}

// An meets binh and chi, dung meets eve, and both meet gia; binh meets fay.
const twoChains = `person,place,enter,leave
an,room,0,1000
binh,room,0,1000
dung,shop,0,1000
eve,shop,0,1000
an,gate,2000,3000
dung,gate,2000,3000
gia,gate,2000,3000
binh,bus,5000,6000
fay,bus,5000,6000
`

func TestTraceNamesTheCases(t *testing.T) {
	stays := file(t, "stays.csv", twoChains)
	args := []string{"--stays", stays, "--case", "an@0/9000", "--case", "dung@0/9000", "--format", "csv", "--case", "an@2500/3000"}
	out, _, err := runTracing(t, newTraceCmd(), args...)
	if err != nil {
		t.Fatal(err)
	}
	for person, want := range map[string]string{"binh": "an", "eve": "dung", "gia": "an;dung", "fay": "an"} {
		if !regexp.MustCompile(`(?m)^` + person + `,.*,` + want + `$`).MatchString(out) {
			t.Errorf("%s is not of %s:\n%s", person, want, out)
		}
	}
}

func TestTraceDryRun(t *testing.T) {
	stays := file(t, "stays.csv", twoChains)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "RULES        F1  F2\nvn-2021-12   3   1\nvn-5053      3   1\nwho          3   1\npc-covid-1h  3   1\n"},
		{[]string{"--min-overlap", "30m", "--depth", "1", "--format", "csv"}, "rules,f1,f2\nvn-2021-12,3,1\nvn-5053,3,1\nwho,3,1\npc-covid-1h,3,1\nown,0,\n"},
		{[]string{"--depth", "3", "--end", "4000", "--format", "csv"}, "rules,f1,f2,f3\nvn-2021-12,3,0,\nvn-5053,3,0,\nwho,3,0,\npc-covid-1h,3,0,\nown,3,0,0\n"},
	} {
		args := append([]string{"--stays", stays, "--case", "an@0/9000", "--case", "dung@0/9000", "--dry-run"}, tt.args...)
		out, notes, err := runTracing(t, newTraceCmd(), args...)
		if err != nil || notes != "" || out != tt.want {
			t.Errorf("%q: error %v, notes %q, got\n%swant\n%s", tt.args, err, notes, out, tt.want)
		}
	}
	out, _, err := runTracing(t, newTraceCmd(), "--stays", stays, "--case", "an@0/9000", "--dry-run", "--format", "json")
	var got struct{ Results []dryCount }
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || len(got.Results) != 4 || len(got.Results[0].Counts) != 2 {
		t.Errorf("error %v, printed %s", err, out)
	}
}

func TestTraceOfNobody(t *testing.T) {
	stays := file(t, "stays.csv", fewStays)
	out, notes, err := runTracing(t, newTraceCmd(), "--stays", stays, "--case", "nobody@5@0/10")
	if err != nil || !strings.Contains(out, "nobody was reached") || notes != "note: nobody@5 has no stay where people meet during the case's window\n" {
		t.Errorf("error %v, notes %q, output %q", err, notes, out)
	}
}

const (
	fewPlaces = "place,parent,dwell\ntower,,540\nroom a,tower,90\nroom b,tower,90\n"
	fewScans  = `kind,at,person,place
in,0,an,tower
in,600,an,room a
in,0,binh,tower
in,1200,binh,room b
in,1200,chi,room a
out,3000,chi,room a
`
)

func TestTraceFromScans(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{nil, "chi,1,1200,1800"},
		{[]string{"--scope", "place"}, "binh,1,0,33000\nchi,1,1200,1800"},
		{[]string{"--scope", "site"}, "binh,1,0,33000\nchi,1,1200,1800"},
		{[]string{"--scope", "site", "--as-of", "2200"}, "binh,1,0,2200\nchi,1,1200,1000"},
	}
	scans, places := file(t, "scans.csv", fewScans), file(t, "places.csv", fewPlaces)
	for _, tt := range tests {
		args := append([]string{"--scans", scans, "--places", places, "--case", "an@0/100000", "--format", "csv", "--depth", "1"}, tt.args...)
		out, _, err := runTracing(t, newTraceCmd(), args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := columns(out, 4); got != "person,generation,first_exposure,overlap\n"+tt.want {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.args, got, tt.want)
		}
	}
}

// columns cuts each line to its first n columns.
func columns(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		fields := strings.Split(line, ",")
		lines[i] = strings.Join(fields[:min(n, len(fields))], ",")
	}
	return strings.Join(lines, "\n")
}

func TestTraceFaults(t *testing.T) {
	stays := file(t, "stays.csv", fewStays)
	scans, places := file(t, "scans.csv", fewScans), file(t, "places.csv", fewPlaces)
	bad := func(text string) string { return file(t, "bad.csv", text) }
	withStays := func(args ...string) []string { return append([]string{"--stays", stays, "--case", "an@0/10"}, args...) }
	onStays := func(text string) []string { return []string{"--stays", bad(text), "--case", "an@0/10"} }
	onScans := func(text string) []string {
		return []string{"--scans", bad(text), "--places", places, "--case", "an@0/10"}
	}
	onPlaces := func(text string) []string {
		return []string{"--scans", scans, "--places", bad(text), "--case", "an@0/10"}
	}
	tests := []struct {
		args  []string
		want  string
		usage bool
	}{
		{nil, "trace needs --stays FILE, or both --scans FILE and --places FILE", true},
		{[]string{"--scans", scans}, "or both --scans FILE and --places FILE", true},
		{withStays("--places", places), "--stays goes without --scans and --places", true},
		{withStays("--scope", "site"), "--scope needs --scans and --places", true},
		{[]string{"--stays", stays}, "trace needs a --case PERSON@FROM/TO", true},
		{withStays("--case", "an"), `--case: "an" has no window: want PERSON@FROM/TO`, true},
		{withStays("--case", "an@5"), `"an@5" has no window`, true},
		{withStays("--case", "@5/6"), `"@5/6" has no window`, true},
		{withStays("--case", "an@5/x"), `--case: "x" is neither unix seconds nor RFC 3339`, true},
		{withStays("--case", "an@6/6"), `the window ends before it begins`, true},
		{withStays("--isolated", "an"), `--isolated: "an" has no time: want PERSON@T`, true},
		{withStays("--profile", "mine"), `--profile: profile "mine" is none of vn-2021-12, vn-5053, who, pc-covid-1h`, true},
		{withStays("--min-overlap", "-1"), `--min-overlap: "-1" is negative`, true},
		{withStays("--min-overlap", ""), `--min-overlap: "" is neither seconds nor a duration`, true},
		{withStays("--linger", "1.5s"), `--linger: "1.5s" is not in whole seconds`, true},
		{withStays("--latency", "long"), `--latency: "long" is neither seconds nor a duration`, true},
		{withStays("--depth", "0"), "depth 0 is not between 1 and 10", true},
		{withStays("--depth", "11"), "depth 11 is not between 1 and 10", true},
		{withStays("--crowd-limit", "-1"), "crowd_limit -1 is negative", true},
		{withStays("--end", "2021-12-29T08:00:00.5Z"), "--end: \"2021-12-29T08:00:00.5Z\" is not a time in whole seconds", true},
		{withStays("--as-of", "soon"), "--as-of: \"soon\" is neither", true},
		{withStays("--format", "xml"), `--format: "xml" is none of table, csv, json`, true},
		{[]string{"--stays", "/nowhere/stays.csv", "--case", "an@0/10"}, "reading stays: open /nowhere/stays.csv: no such file", false},
		{onStays(""), "bad.csv: the file is empty: its first line must name the columns person,place,enter,leave", false},
		{onStays("person,place,enter\n"), "bad.csv:1: column leave is missing", false},
		{onStays("person,place,enter,leave,place\n"), "bad.csv:1: column place stands twice", false},
		{onStays("person,place,enter,leave\na,p,1,2\n,p,1,2\n"), "bad.csv:3: column person: is empty", false},
		{onStays("person,place,enter,leave\na,,1,2\n"), "bad.csv:2: column place: is empty", false},
		{onStays("person,place,enter,leave\na,p,1.5,2\n"), `bad.csv:2: column enter: "1.5" is not a time in whole seconds`, false},
		{onStays("person,place,enter,leave\na,p,1,zwei\n"), `bad.csv:2: column leave: "zwei" is neither unix seconds`, false},
		{onStays("person,place,enter,leave\na,p,1,999999999999\n"), "is not between the years 1 and 9999", false},
		{onStays("person,place,enter,leave\na,p,2,1\n"), "bad.csv:2: column leave: 1 is before the entry at 2", false},
		{onStays("person,place,enter,leave\na,p,2\n"), "wrong number of fields", false},
		{onStays("person,place,enter,leave,basis\na,p,1,2,felt\n"), `bad.csv:2: column basis: basis "felt" is none of`, false},
		{onScans("person,place,at\n"), "reading scans: ", false},
		{onScans("person,place,at,kind\na,tower,1,void\n"), `bad.csv:2: column kind: "void" is none of in, out, renew`, false},
		{onScans("person,place,at,kind\na,cellar,1,in\n"), `bad.csv:2: column place: "cellar" is not in the file of places`, false},
		{onPlaces("place,parent,dwell\ntower,,90m\n"), `bad.csv:2: column dwell: "90m" is not a positive number of minutes`, false},
		{onPlaces("place,parent,dwell\ntower,,0\n"), `column dwell: "0" is not a positive`, false},
		{onPlaces("place,parent,dwell\nt,,9\nt,,9\n"), `bad.csv:3: column place: place "t": stands twice`, false},
		{onPlaces("place,parent,dwell\nt,u,9\n"), `bad.csv:2: column parent: place "t": the parent is not known`, false},
		{onPlaces("place,parent,dwell\nt,u,9\nu,t,9\n"), `is its own ancestor`, false},
	}
	for _, tt := range tests {
		out, _, err := runTracing(t, newTraceCmd(), tt.args...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one line with %q", tt.args, err, tt.want)
			continue
		}
		var exit *ExitError
		if errors.As(err, &exit) != tt.usage || tt.usage && exit.Code != ExitUsage {
			t.Errorf("%q: a fault of the command line: %v, want %t", tt.args, !tt.usage, tt.usage)
		}
		if out != "" {
			t.Errorf("%q: printed %q", tt.args, out)
		}
	}
}
