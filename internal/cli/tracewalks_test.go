package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/tracing"
)

// walkDriver runs many walks of the independent program in one process: it prints for each the CSV lines that the program
// itself would, and a line of dashes.
const walkDriver = `
import csv, json, sys
sys.path.insert(0, sys.argv[1])
import reach
with open(sys.argv[2], newline="") as f:
    stays = [(r["person"], r["place"], int(r["enter"]), int(r["leave"])) for r in csv.DictReader(f)]
united = list(reach.unite(stays))  # the same for every walk
reach.unite = lambda stays: united
for w in json.load(sys.stdin):
    generation, evidence = reach.walk(stays, [tuple(c) for c in w["cases"]], w["min_overlap"], w["linger"], w["latency"],
                                      w["depth"], w["crowd_limit"], w["end"], w["isolated"])
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["person", "generation", "first_exposure", "overlap", "encounters"])
    for p in sorted(generation, key=lambda p: (generation[p], p)):
        out.writerow([p, generation[p], *evidence[p]])
    print("---")
`

// randomWalk is a walk as the driver reads it.
type randomWalk struct {
	Cases      [][3]any         `json:"cases"`
	MinOverlap int64            `json:"min_overlap"`
	Linger     int64            `json:"linger"`
	Latency    int64            `json:"latency"`
	Depth      int              `json:"depth"`
	CrowdLimit int              `json:"crowd_limit"`
	End        int64            `json:"end"`
	Isolated   map[string]int64 `json:"isolated"`

	plan tracePlan
}

// 200 random walks on each of two sets of measured contacts agree line for line with an independent program.
func TestWalksOnMeasuredContactsAgreeWithAnIndependentProgram(t *testing.T) {
	program := oracle(t, "tools/reach.py")
	for i, name := range []string{"SFHH_tij.dat.gz", "workplace_InVS15_tij.dat.gz"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkWalks(t, program, oracle(t, "data/"+name), uint64(i))
		})
	}
}

func checkWalks(t *testing.T, program, contacts string, seed uint64) {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "python3", program, "stays", contacts).Output()
	if err != nil {
		t.Fatal(err)
	}
	stays := file(t, "stays.csv", string(text))
	data, err := readStays(stays)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 3))
	walks := make([]randomWalk, 200)
	for i := range walks {
		walks[i] = newRandomWalk(random, data)
	}
	input, err := json.Marshal(walks)
	if err != nil {
		t.Fatal(err)
	}
	driver := exec.CommandContext(t.Context(), "python3", "-B", "-c", walkDriver, filepath.Dir(program), stays)
	driver.Stdin, driver.Stderr = bytes.NewReader(input), os.Stderr
	output, err := driver.Output()
	if err != nil {
		t.Fatal(err)
	}
	wants := strings.Split(string(output), "---\n")
	listed, deepest := 0, 0
	loaded, err := (&traceFlags{stays: stays}).load(&tracePlan{asOf: math.MaxInt64})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range walks {
		report, err := tracing.Trace(t.Context(), loaded.source, w.plan.request(loaded))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&tracePrinter{report: report, people: loaded.people, places: loaded.places}).csv(&out); err != nil {
			t.Fatal(err)
		}
		if got, want := columns(out.String(), 5), strings.TrimSpace(wants[i]); got != want {
			t.Fatalf("walk %d, %+v:\ngot\n%s\nwant\n%s", i, w, got, want)
		}
		listed += len(report.Contacts)
		for _, c := range report.Contacts {
			deepest = max(deepest, c.Generation)
		}
	}
	if listed < 2000 || deepest < 4 {
		t.Errorf("the walks list %d people down to generation %d: too few to mean anything", listed, deepest)
	}
}

func newRandomWalk(random *rand.Rand, data *staysData) randomWalk {
	last := int64(0)
	for _, r := range data.rows {
		last = max(last, r.leave)
	}
	person := func() string { return data.people.list[random.IntN(len(data.people.list))] }
	w := randomWalk{
		MinOverlap: random.Int64N(16) * 20, Depth: 1 + random.IntN(4), End: last, Isolated: map[string]int64{},
	}
	if random.IntN(2) == 0 {
		w.Linger = random.Int64N(1800)
	}
	if random.IntN(2) == 0 {
		w.Latency = random.Int64N(7200)
	}
	if random.IntN(4) == 0 {
		w.CrowdLimit = 1
	}
	if random.IntN(3) == 0 {
		w.End = random.Int64N(last)
	}
	for range random.IntN(20) {
		w.Isolated[person()] = random.Int64N(last)
	}
	w.plan = tracePlan{
		numbers: tracing.Numbers{
			MinOverlap: w.MinOverlap, Linger: w.Linger, Latency: w.Latency, Depth: w.Depth, CrowdLimit: w.CrowdLimit,
			Scope: tracing.ScopePlace,
		},
		end: w.End,
	}
	for range 1 + random.IntN(3) {
		from := random.Int64N(last)
		c := caseFlag{person(), tracing.Window{From: from, To: from + 1 + random.Int64N(last/2)}}
		w.plan.cases = append(w.plan.cases, c)
		w.Cases = append(w.Cases, [3]any{c.person, c.window.From, c.window.To})
	}
	for name, at := range w.Isolated {
		w.plan.isolated = append(w.plan.isolated, isolatedFlag{name, at})
	}
	return w
}

// The command itself prints what the independent program prints.
func TestTraceCommandAgreesWithAnIndependentProgram(t *testing.T) {
	program := oracle(t, "tools/reach.py")
	var rows strings.Builder
	rows.WriteString("person,place,enter,leave\n")
	random := rand.New(rand.NewPCG(11, 13))
	for range 3000 {
		enter := random.IntN(90_000)
		fmt.Fprintf(&rows, "p%d,v%d,%d,%d\n", random.IntN(150), random.IntN(80), enter, enter+random.IntN(2000))
	}
	stays := file(t, "stays.csv", rows.String())
	for _, flags := range [][]string{
		{"--min-overlap", "0"},
		{"--min-overlap", "120", "--linger", "600", "--depth", "3", "--isolated", "p7@50000", "--isolated", "p9@20000"},
		{"--min-overlap", "60", "--latency", "7200", "--depth", "4", "--crowd-limit", "2", "--end", "80000"},
	} {
		flags = append(flags, "--case", "p1@1000/30000", "--case", "p2@40000/60000", "--case", "p1@50000/55000")
		want, err := exec.CommandContext(t.Context(), "python3", append([]string{program, "walk", stays}, flags...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := runTracing(t, newTraceCmd(), append([]string{"--stays", stays, "--format", "csv"}, flags...)...)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(want), "\n") < 20 {
			t.Fatalf("%q: too few lines to mean anything:\n%s", flags, want)
		}
		sameLines(t, columns(got, 5), strings.TrimSpace(string(want)))
	}
}
