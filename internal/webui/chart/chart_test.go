package chart

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

// TestChartDrawsWhatItSays draws random lists and holds that bars stand where they should, with heights in proportion.
func TestChartDrawsWhatItSays(t *testing.T) {
	location := time.FixedZone("", 7*60*60)
	zone := page.Reader{Location: location}
	rapid.Check(t, func(r *rapid.T) {
		span := rapid.IntRange(1, 60).Draw(r, "days")
		n := rapid.IntRange(0, 300).Draw(r, "people")
		want := make(map[string][2]int)
		rows := make([]cases.Row, n)
		for i := range rows {
			at := int64(1_795_000_000) + int64(rapid.IntRange(0, span*86400).Draw(r, "at"))
			generation := rapid.IntRange(1, 2).Draw(r, "generation")
			rows[i] = cases.Row{Contact: tracing.Contact{Generation: generation, FirstExposure: at}}
			day := zone.Day(at)
			counts := want[day]
			counts[generation-1]++
			want[day] = counts
		}
		c := Of(zone, rows)
		if c == nil {
			if len(want) > 1 {
				r.Fatalf("no chart of %d days", len(want))
			}
			return
		}
		for i, d := range c.Days {
			counts := want[zone.Day(d.Start)]
			if d.F1 != counts[0] || d.F2 != counts[1] {
				r.Fatalf("on %s: %d and %d, want %v", zone.Day(d.Start), d.F1, d.F2, counts)
			}
			delete(want, zone.Day(d.Start))
			if i > 0 && d.Start-c.Days[i-1].Start != 86400 {
				r.Fatalf("a day is missing before %s", zone.Day(d.Start))
			}
			f1, f2 := c.Bars[2*i], c.Bars[2*i+1]
			if f1.Y+f1.H != c.Base || f2.Y+f2.H != f1.Y || f2.Y < chartTop || f1.X+f1.W > c.Right || f1.X < c.Left {
				r.Fatalf("the bars of day %d stand wrong: %+v %+v", i, f1, f2)
			}
		}
		if len(want) != 0 {
			r.Fatalf("days are left out: %v", want)
		}
		if len(c.Labels) > chartLabels {
			r.Fatalf("%d days are written out", len(c.Labels))
		}
	})
}

func TestChartKeepsToTheLastDays(t *testing.T) {
	zone := page.Reader{Location: time.UTC}
	rows := make([]cases.Row, 400)
	for i := range rows {
		rows[i] = cases.Row{Contact: tracing.Contact{Generation: 1, FirstExposure: int64(i) * 86400}}
	}
	c := Of(zone, rows)
	if len(c.Days) != chartDays || c.Days[chartDays-1].Start != 399*86400 {
		t.Errorf("%d days, the last beginning at %d", len(c.Days), c.Days[len(c.Days)-1].Start)
	}
	for top, want := range map[int]int{1: 1, 5: 1, 6: 2, 10: 2, 11: 5, 25: 5, 26: 10, 41: 10, 101: 50, 840: 200} {
		if got := niceStep(top); got != want {
			t.Errorf("a scale up to %d goes in steps of %d, want %d", top, got, want)
		}
	}
}
