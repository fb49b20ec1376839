package tracingtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseScriptNamesTheFault(t *testing.T) {
	tests := []struct{ line, want string }{
		{"dance an", `"dance" is no verb`},
		{"scan 1/08:00 an in", "scan needs 4 words"},
		{"scan 1/08:00 an in nowhere", `place "nowhere" is not known yet`},
		{"place p\nscan 1/25:00 an in p", "is no time"},
		{"place p\nscan 32/08:00 an in p", "is no time"},
		{"place p\nscan 1/08:00 an jump p", "none of in, out, renew"},
		{"place p dwell", "has no value"},
		{"place p dwell 1.5s", "no duration in whole seconds"},
		{"place p in q\ncase an 1/00:00 2/00:00\nexpect nobody", "is not known"},
		{"case an 2/00:00 1/00:00\nexpect nobody", "ends before it begins"},
		{"case an 1/00:00 2/00:00", "nothing is expected"},
		{"expect G1 an", "want: expect"},
		{"expect F1 an height 2", "cannot be expected"},
		{"set depth deep", "invalid syntax"},
		{"set colour 1", "cannot be set"},
	}
	for _, tt := range tests {
		_, err := ParseScript("x", tt.line)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want one with %q", tt.line, err, tt.want)
		}
	}
}

// The suite itself must be able to fail: every kind of expectation is falsified once.
func TestCheckSeesWhatDiffers(t *testing.T) {
	const told = `
place room
scan 1/08:00 an in room
scan 1/09:00 an out room
scan 1/08:30 binh in room
scan 1/09:30 binh out room
case an 1/00:00 2/00:00
`
	tests := []struct{ expect, fault string }{
		{"expect F1 binh first 1/08:30 last 1/09:00 overlap 30m encounters 1 certainty confirmed crowd 1", ""},
		{"expect nobody", "F1 binh is listed and not expected"},
		{"expect F2 binh", "binh is F1, expected was F2"},
		{"expect F1 binh\nexpect F1 chi", "F1 chi is expected and not listed"},
		{"expect F1 binh first 1/08:31", "first is 1/08:30:00, expected was 1/08:31:00"},
		{"expect F1 binh last 1/08:31", "last is"},
		{"expect F1 binh overlap 31m", "overlap is 30m0s, expected was 31m0s"},
		{"expect F1 binh encounters 2", "encounters is 1"},
		{"expect F1 binh certainty possible", "certainty is confirmed"},
		{"expect F1 binh crowd 2", "crowd is 1"},
	}
	for _, tt := range tests {
		s, err := ParseScript("told", told+tt.expect)
		if err != nil {
			t.Fatal(err)
		}
		faults := strings.Join(s.Check(NaiveTrace(s.World, s.Request)), "\n")
		if !strings.Contains(faults, tt.fault) || tt.fault == "" && faults != "" {
			t.Errorf("%s: faults %q, want %q", tt.expect, faults, tt.fault)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	files, err := filepath.Glob("../../testdata/outbreaks/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no scripts (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript("fuzz", text)
		if err != nil || len(s.World.Scans) > 40 || len(s.World.Places) > 20 {
			return
		}
		NaiveTrace(s.World, s.Request)
	})
}

func TestASeedMakesOneWorld(t *testing.T) {
	for seed := range uint64(50) {
		if a, b := RandomWorld(seed), RandomWorld(seed); a.String() != b.String() {
			t.Fatalf("seed %d makes two worlds:\n%s\n%s", seed, a, b)
		}
	}
}
