package memindex

import "slices"

// The ways that a walk can take, for tests: all sizes are small, so that small worlds are cut into pieces too.

// Scanning looks every source up.
func Scanning() Option { return in(scanning) }

// Sweeping sweeps wherever it can.
func Sweeping() Option { return in(sweeping) }

func in(p plan) Option {
	return func(w *walker) {
		w.plan = p
		w.sizes = sizes{sweepFrom: 64, few: 0, parallelFrom: 1, batch: 1, sweep: 2, places: 2, enough: 2, round: 2}
	}
}

// Shared returns the days whose segment the index has in common with another.
func (x *Index) Shared(y *Index) (days []int64) {
	for i := range x.scanned.days {
		s := x.scanned.days[i].segment
		if slices.ContainsFunc(y.scanned.days, func(d dayOf) bool { return d.segment == s }) {
			days = append(days, DayOf(s.start))
		}
	}
	return days
}
