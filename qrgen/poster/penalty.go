package poster

// Weights of the four features that make a symbol hard to read (ISO/IEC 18004,
// table 11).
const (
	weightRun     = 3
	weightBlock   = 3
	weightFinder  = 40
	weightBalance = 10
)

// penalty scores a masked symbol; lower reads better (ISO/IEC 18004, 7.8.3.1).
func (s symbol) penalty() int {
	total := s.blockPenalty() + s.balancePenalty()
	for i := range s.side {
		row := func(at int) bool { return s.dark(at, i) }
		column := func(at int) bool { return s.dark(i, at) }
		total += runPenalty(row, s.side) + runPenalty(column, s.side)
		total += finderPenalty(row, s.side) + finderPenalty(column, s.side)
	}
	return total
}

// runPenalty counts 3 for five modules of one colour in a line, and 1 for each
// further one.
func runPenalty(dark func(int) bool, side int) int {
	total, run := 0, 0
	for i := range side {
		if i > 0 && dark(i) == dark(i-1) {
			run++
		} else {
			run = 1
		}
		switch {
		case run == 5:
			total += weightRun
		case run > 5:
			total++
		}
	}
	return total
}

// finderPenalty counts 40 for each sequence like a finder's, dark-light-dark in
// proportion 1:1:3:1:1, with four light modules before or after it. The quiet
// zone is light.
func finderPenalty(dark func(int) bool, side int) int {
	const finder = 0b1011101
	total, window := 0, 0
	// The window is four modules, the seven of the sequence and four more; its
	// last runs on into the quiet zone.
	for i := range side + quietZone {
		window = window << 1 & (1<<15 - 1)
		if dark(i) {
			window |= 1
		}
		if window>>4&(1<<7-1) == finder && (window>>11 == 0 || window&(1<<4-1) == 0) {
			total += weightFinder
		}
	}
	return total
}

// blockPenalty counts 3 for each 2×2 block of one colour.
func (s symbol) blockPenalty() int {
	total := 0
	for y := range s.side - 1 {
		for x := range s.side - 1 {
			d := s.dark(x, y)
			if d == s.dark(x+1, y) && d == s.dark(x, y+1) && d == s.dark(x+1, y+1) {
				total += weightBlock
			}
		}
	}
	return total
}

// balancePenalty counts 10 for each full 5 % by which the dark modules' share
// lies away from half.
func (s symbol) balancePenalty() int {
	dark := 0
	for _, d := range s.modules {
		if d {
			dark++
		}
	}
	all := len(s.modules)
	return max(2*dark-all, all-2*dark) * 10 / all * weightBalance
}
