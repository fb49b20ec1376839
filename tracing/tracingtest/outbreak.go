package tracingtest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// RunScripts runs every script (*.txt, see [Script]) of a directory against sources, which are made for all of them at once.
// The lists must be those that the script expects, and those of the naive oracle byte for byte.
func RunScripts(t *testing.T, dir string, sources func(t *testing.T, worlds []World) []tracing.Source) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s (%v)", dir, err)
	}
	var scripts []*Script
	var worlds []World
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseScript(filepath.Base(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		scripts, worlds = append(scripts, s), append(worlds, s.World)
	}
	made := sources(t, worlds)
	for i, s := range scripts {
		t.Run(strings.TrimSuffix(s.name, ".txt"), func(t *testing.T) {
			oracle, err := newOracle(NaiveTrace(s.World, s.Request), s.Request)
			if err == nil {
				err = oracle.checkTrace(t.Context(), made[i])
			}
			if err != nil {
				t.Fatal(err)
			}
			report, err := tracing.Trace(t.Context(), made[i], s.Request)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range s.Check(report) {
				t.Error(fault)
			}
		})
	}
}

// Check returns, in words, how a report differs from what the script expects.
func (s *Script) Check(report *tracing.Report) []string {
	var faults []string
	got := map[uuid.UUID]tracing.Contact{}
	for _, c := range report.Contacts {
		got[c.Person] = c
		if !slices.ContainsFunc(s.Expected, func(e Expected) bool { return e.Person == c.Person }) {
			faults = append(faults, fmt.Sprintf("F%d %s is listed and not expected", c.Generation, s.ids[c.Person]))
		}
	}
	for _, e := range s.Expected {
		c, listed := got[e.Person]
		if !listed {
			faults = append(faults, fmt.Sprintf("F%d %s is expected and not listed", e.Generation, e.Name))
			continue
		}
		if c.Generation != e.Generation {
			faults = append(faults, fmt.Sprintf("%s is F%d, expected was F%d", e.Name, c.Generation, e.Generation))
		}
		have := fields(c)
		for word, want := range e.Fields {
			if have[word] != want {
				faults = append(faults, fmt.Sprintf("%s: %s is %s, expected was %s", e.Name, word,
					inWords(word, have[word]), inWords(word, want)))
			}
		}
	}
	return faults
}

// fields returns what an expect line can name.
func fields(c tracing.Contact) map[string]int64 {
	crowd := math.MaxInt
	for _, e := range c.Evidence {
		crowd = min(crowd, e.Crowd)
	}
	return map[string]int64{
		"first": c.FirstExposure, "last": c.LastExposure, "overlap": c.Overlap, "encounters": int64(c.Encounters),
		"certainty": int64(c.Certainty), "crowd": int64(crowd),
	}
}

func inWords(word string, n int64) string {
	switch word {
	case "first", "last":
		return time.Unix(n, 0).UTC().Format("2/15:04:05")
	case "overlap":
		return (time.Duration(n) * time.Second).String()
	case "certainty":
		return tracing.Certainty(n).String()
	default:
		return fmt.Sprint(n)
	}
}
