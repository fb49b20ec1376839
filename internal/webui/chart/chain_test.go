package chart

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

// TestChainDrawsWhatItSays draws random lists and holds that everybody is counted for each of their cases that has a row and
// else once with the others, that discs of one row do not overlap, and that nothing leaves the picture.
func TestChainDrawsWhatItSays(t *testing.T) {
	location := time.FixedZone("", 7*60*60)
	zone := page.Reader{Location: location}
	rapid.Check(t, func(r *rapid.T) {
		total := rapid.IntRange(1, 40).Draw(r, "cases")
		span := rapid.IntRange(1, chainDays-1).Draw(r, "days")
		list := &cases.List{Run: registry.Run{Cases: make([]uuid.UUID, total)}}
		for i := range total {
			list.ByCase = append(list.ByCase, cases.CaseCount{Case: registry.Case{ID: uuid.UUID{byte(i)}, Onset: "2026-11-20"}, Root: i})
		}
		want := make(map[int][2]int) // by row
		for range rapid.IntRange(0, 200).Draw(r, "people") {
			row := cases.Row{Contact: tracing.Contact{
				Generation:    rapid.IntRange(1, 2).Draw(r, "generation"),
				FirstExposure: 1_795_000_000 + int64(rapid.IntRange(0, span*86400).Draw(r, "at")),
			}}
			mine := false
			for range rapid.IntRange(1, 3).Draw(r, "roots") {
				root := rapid.IntRange(0, total-1).Draw(r, "root")
				if !row.Roots.Has(root) && root < chainRows {
					mine = true
					counts := want[root]
					counts[row.Generation-1]++
					want[root] = counts
				}
				row.Roots = row.Roots.With(root)
			}
			if !mine {
				counts := want[chainRows]
				counts[row.Generation-1]++
				want[chainRows] = counts
			}
			list.People = append(list.People, row)
		}
		c := ChainOf(zone, list)
		if c == nil {
			if days := daysOf(zone, list.People); len(days) > 1 {
				r.Fatalf("no chain of %d days", len(days))
			}
			return
		}
		if rows := min(total, chainRows+1); len(c.Rows) != rows || len(c.Labels) > chartLabels {
			r.Fatalf("%d rows of %d cases, %d days are written out", len(c.Rows), total, len(c.Labels))
		}
		for n, row := range c.Rows {
			var got [2]int
			end := chainLeft
			for _, d := range row.Days {
				got[0], got[1] = got[0]+d.F1, got[1]+d.F2
				if widest := max(d.R1, d.R2); d.X-widest < end || d.X+widest > c.Right || widest > chainRow/2 || row.Y+widest > c.Height {
					r.Fatalf("a disc of row %d stands wrong: %+v after %d", n, d, end)
				}
				end = d.X + max(d.R1, d.R2)
				if (d.R1 > 0) != (d.F1 > 0) || (d.R2 > 0) != (d.F2 > 0) {
					r.Fatalf("%d F1 and %d F2 are drawn as %d and %d", d.F1, d.F2, d.R1, d.R2)
				}
			}
			if got != want[n] || (row.Case == nil) != (n == chainRows) {
				r.Fatalf("row %d shows %v, want %v", n, got, want[n])
			}
		}
	})
}
