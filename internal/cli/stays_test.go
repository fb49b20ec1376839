package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestStays(t *testing.T) {
	scans, places := file(t, "scans.csv", fewScans), file(t, "places.csv", fewPlaces)
	tests := []struct {
		args []string
		want string
	}{
		{nil, "an,tower,0,33000,assumed\nan,room a,600,6000,assumed\nbinh,tower,0,33600,assumed\n" +
			"binh,room b,1200,6600,assumed\nchi,room a,1200,3000,checkout\n"},
		{[]string{"--as-of", "1970-01-01T00:20:00Z"}, "an,tower,0,1200,assumed\nan,room a,600,1200,assumed\nbinh,tower,0,1200,assumed\n"},
	}
	for _, tt := range tests {
		out, _, err := runTracing(t, newStaysCmd(), append([]string{"--scans", scans, "--places", places}, tt.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		if out != "person,place,enter,leave,basis\n"+tt.want {
			t.Errorf("%q: got\n%s", tt.args, out)
		}
	}
}

func TestStaysFaults(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "stays needs both --scans FILE and --places FILE"},
		{[]string{"--scans", "s", "--places", "p", "--as-of", "x"}, `--as-of: "x" is neither`},
	} {
		_, _, err := runTracing(t, newStaysCmd(), tt.args...)
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Code != ExitUsage || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v", tt.args, err)
		}
	}
}

// oracle returns the path of an independent program or of its data that stand beside the repository, and skips the test
// where they do not. Where they do, the interpreter must be there too.
func oracle(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", name))
	if err != nil {
		t.Fatal(err)
	}
	if matches, _ := filepath.Glob(path); len(matches) == 0 {
		t.Skipf("%s is not there", name)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("python3 is not installed; install it with: apt-get install -y python3")
	}
	return path
}

// A thousand people with random scans at a dozen places, each derived by an independent program too.
func TestStaysAgreesWithAnIndependentProgram(t *testing.T) {
	program := oracle(t, "tools/stays.py")
	for _, withIDs := range []bool{false, true} {
		random := rand.New(rand.NewPCG(5, 7))
		scans, places := randomScans(t, random, withIDs)
		for _, asOf := range []string{"", "150000"} {
			args, flags := []string{program, scans, places}, []string{"--scans", scans, "--places", places}
			if asOf != "" {
				args, flags = append(args, "--as-of", asOf), append(flags, "--as-of", asOf)
			}
			want, err := exec.CommandContext(t.Context(), "python3", args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := runTracing(t, newStaysCmd(), flags...)
			if err != nil {
				t.Fatal(err)
			}
			sameLines(t, got, string(want))
		}
	}
}

// sameLines fails at the first line that differs.
func sameLines(t *testing.T, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d: got %q, want %q", i+1, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Fatalf("got %d lines, want %d", len(gotLines), len(wantLines))
	}
}

// randomScans writes the scans of a thousand people and a tree of places; ids, where they are wanted, often coincide.
func randomScans(t *testing.T, random *rand.Rand, withIDs bool) (scans, places string) {
	t.Helper()
	names := []string{"chợ", "A", "b", "a room", "10", "9", "Ä", "tầng 3", "bus", "gate", "x", "y"}
	var tree strings.Builder
	tree.WriteString("place,parent,dwell\n")
	for i, name := range names {
		parent := ""
		if i > 0 && random.IntN(3) > 0 {
			parent = names[random.IntN(i)]
		}
		fmt.Fprintf(&tree, "%s,%s,%d\n", name, parent, []int{5, 30, 90, 540, 2000}[random.IntN(5)])
	}
	var rows strings.Builder
	rows.WriteString("person,place,at,kind,id\n")
	for range 25_000 {
		at := random.IntN(200_000)
		if random.IntN(2) == 0 {
			at -= at % 900
		}
		id := ""
		if withIDs && random.IntN(10) > 0 {
			id = fmt.Sprint(random.IntN(30))
		}
		fmt.Fprintf(&rows, "p%d,%s,%d,%s,%s\n", random.IntN(1000), names[min(random.IntN(12), random.IntN(12))], at,
			[]string{"in", "in", "out", "out", "renew"}[random.IntN(5)], id)
	}
	return file(t, "scans.csv", rows.String()), file(t, "places.csv", tree.String())
}
