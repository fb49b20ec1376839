package sealed

import "time"

// Small makes everything small that is cut in pieces, or chosen by size: the ways of working on much are taken with little.
func (s *Stays) Small(workers, sweepFrom int) {
	s.sizes = sizes{workers: workers, chunk: 1 << 10, pairs: 160, sweepFrom: sweepFrom, aliases: 50, staged: 1 << 10}
}

// Grace is how long what a pass wrote is kept.
const Grace = time.Hour
