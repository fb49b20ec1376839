package scanlog

import "time"

// pace is what commits have taken lately: a while each, whatever they hold, and a while for each scan. It fits a line through
// (scans, seconds) by least squares, in which a commit counts for nineteen twentieths of the one after it.
type pace struct {
	weight          float64 // of all commits; the sums below are weighted alike
	scans, seconds  float64
	squares, across float64 // of scans × scans, and of scans × seconds
	steady          float64 // variance of scans below which they say little about what one takes; must be positive
}

// note takes in what a commit took.
func (p *pace) note(scans int, took time.Duration) {
	const keep = 0.95
	n, s := float64(scans), took.Seconds()
	p.weight = p.weight*keep + 1
	p.scans = p.scans*keep + n
	p.seconds = p.seconds*keep + s
	p.squares = p.squares*keep + n*n
	p.across = p.across*keep + n*s
}

// of returns how long some commits will take that hold so many scans together; 0 before the first was noted.
func (p *pace) of(commits, scans int) time.Duration {
	if p.weight == 0 {
		return 0
	}
	n, s := p.scans/p.weight, p.seconds/p.weight
	// Where all commits hold about as much the slope is drawn to 0: a commit is then taken to last as long as they did.
	each := (p.across/p.weight - n*s) / (p.squares/p.weight - n*n + p.steady)
	each = min(max(each, 0), s/n)
	fixed := s - each*n
	return time.Duration((fixed*float64(commits) + each*float64(scans)) * float64(time.Second))
}
