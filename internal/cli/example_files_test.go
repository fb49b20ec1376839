package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExampleFiles runs what the README runs, and sees it print what the README says.
func TestExampleFiles(t *testing.T) {
	const dir = "../../testdata/example/"
	var out bytes.Buffer
	err := Run(t.Context(), []string{
		"trace", "--scans", dir + "scans.csv", "--places", dir + "places.csv", "--format", "csv",
		"--case", "An@2021-11-05T00:00:00+07:00/2021-11-08T00:00:00+07:00",
	}, nil, &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], "Bình,1,1636162200,5400,1,") || !strings.HasPrefix(lines[2], "Chi,2,1636194000,2400,1,") {
		t.Errorf("the example prints\n%s", out.String())
	}
}

// TestExamplePosters draws the README's.
func TestExamplePosters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "posters.pdf")
	mustQR(t, "poster", "--csv", "../../testdata/example/posters.csv", "--keys", newQRKeyFile(t), "--base", "https://c.example.vn",
		"--size", "A6", "--out", path)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
