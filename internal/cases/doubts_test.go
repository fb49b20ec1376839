package cases_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// TestListSaysWhyAnEncounterIsFlagged has An doubted at the market and Mai not. The reasons are those of the run's time.
func TestListSaysWhyAnEncounterIsFlagged(t *testing.T) {
	to := newTown(t)
	again := scan.Scan{
		ID: uuid.New(), Alias: to.alias(t, an), Place: to.market.ID, At: local(6, 11, 0).Unix(), ReceivedAt: local(6, 11, 0).Unix(),
		Kind: stay.Renew, How: scan.Phone, Flags: stay.OutOfHours | stay.Late,
	}
	_, err := to.scans.Append(t.Context(), []scan.Scan{again})
	must(t, err)
	run := to.run(t, to.city, to.record(t, to.ward1, mai).ID)
	void := again
	void.ID, void.Kind, void.Flags, void.Voids = uuid.New(), stay.Void, 0, again.ID
	_, err = to.scans.Append(t.Context(), []scan.Scan{void})
	must(t, err)

	list, err := to.List(t.Context(), to.city, run.ID)
	must(t, err)
	doubted := to.person(t, an)
	for _, row := range list.People {
		var want []string
		if row.Person == doubted {
			want = []string{"late", "out_of_hours"}
		}
		for i, e := range row.Evidence {
			if got := row.DoubtsOf(i); e.Source != doubted && !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", row.Person, got, want)
			}
		}
		if (row.Certainty == tracing.Possible) != (row.Person == doubted) {
			t.Errorf("%s is %s", row.Person, row.Certainty)
		}
	}

	var out bytes.Buffer
	must(t, to.WriteCSV(t.Context(), to.city, run.ID, uuid.Nil, &out))
	lines, err := csv.NewReader(&out).ReadAll()
	must(t, err)
	column := slices.Index(lines[0], "doubts")
	if column < 0 || !slices.ContainsFunc(lines, func(line []string) bool { return line[0] == doubted.String() && line[column] == "late;out_of_hours" }) {
		t.Errorf("the file has column %d in %q", column, lines)
	}
}
