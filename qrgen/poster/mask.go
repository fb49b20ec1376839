package poster

import (
	"errors"
	"slices"
)

// The encoder scores its eight masked symbols in goroutines and keeps the first
// best to arrive, so that a tie gives now one symbol, now another. Both decode,
// but the same code must always be the same picture. So the mask is chosen again
// here: by the same standard's rules, the lowest number winning a tie.

const maskCount = 8

// masked reports whether a mask of ISO/IEC 18004, table 10, inverts the module in
// column x and row y.
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	default:
		return ((x+y)%2+x*y%3)%2 == 0
	}
}

// canonical returns the symbol under the mask of the lowest penalty.
func (s symbol) canonical() (symbol, error) {
	from, err := s.mask()
	if err != nil {
		return symbol{}, err
	}
	reserved := s.reserved()
	best, lowest := s, -1
	for to := range maskCount {
		candidate := s.remask(from, to, reserved)
		if p := candidate.penalty(); lowest < 0 || p < lowest {
			best, lowest = candidate, p
		}
	}
	return best, nil
}

// remask replaces one mask by another.
func (s symbol) remask(from, to int, reserved []bool) symbol {
	out := symbol{side: s.side, modules: slices.Clone(s.modules)}
	for y := range s.side {
		for x := range s.side {
			i := y*s.side + x
			if !reserved[i] && masked(from, x, y) != masked(to, x, y) {
				out.modules[i] = !out.modules[i]
			}
		}
	}
	format := formatBits(to)
	for bit := range 15 {
		for _, at := range formatModules(s.side, bit) {
			out.modules[at.y*s.side+at.x] = format>>bit&1 == 1
		}
	}
	return out
}

// mask reads from the format information under which mask the symbol is.
func (s symbol) mask() (int, error) {
	var format int
	for bit := range 15 {
		at := formatModules(s.side, bit)[0]
		if s.dark(at.x, at.y) {
			format |= 1 << bit
		}
	}
	for mask := range maskCount {
		if formatBits(mask) == format {
			return mask, nil
		}
	}
	return 0, errors.New("the encoder's symbol has no format information of level M")
}

// formatBits returns the 15 bits of format information for level M (whose two
// bits are 00) and a mask: a BCH(15,5) code word under a fixed mask (ISO/IEC
// 18004, 7.9 and annex C).
func formatBits(mask int) int {
	const generator, fixed = 0b101_0011_0111, 0b101_0100_0001_0010
	rest := mask << 10
	for bit := 14; bit >= 10; bit-- {
		if rest>>bit&1 == 1 {
			rest ^= generator << (bit - 10)
		}
	}
	return (mask<<10 | rest) ^ fixed
}

type position struct{ x, y int }

// formatModules returns the two places of a bit of the format information, 0
// being the lowest (ISO/IEC 18004, figure 25): one around the top left finder,
// where the timing patterns are stepped over, and one split over the other two.
func formatModules(side, bit int) [2]position {
	var first, second position
	switch {
	case bit < 6:
		first = position{8, bit}
	case bit < 8:
		first = position{8, bit + 1}
	case bit == 8:
		first = position{7, 8}
	default:
		first = position{14 - bit, 8}
	}
	if bit < 8 {
		second = position{side - 1 - bit, 8}
	} else {
		second = position{8, side - 15 + bit}
	}
	return [2]position{first, second}
}

// reserved marks the modules that masks leave alone: all that carry no data.
func (s symbol) reserved() []bool {
	marks := make([]bool, len(s.modules))
	mark := func(x0, y0, width, height int) {
		for y := y0; y < y0+height; y++ {
			for x := x0; x < x0+width; x++ {
				marks[y*s.side+x] = true
			}
		}
	}
	// Finders with their separators and the format information beside them.
	mark(0, 0, 9, 9)
	mark(s.side-8, 0, 8, 9)
	mark(0, s.side-8, 9, 8)
	// Timing patterns.
	mark(6, 0, 1, s.side)
	mark(0, 6, s.side, 1)
	if s.version() >= 7 { // version information
		mark(s.side-11, 0, 3, 6)
		mark(0, s.side-11, 6, 3)
	}
	centres := alignmentCentres(s.version())
	last := s.side - 7
	for _, x := range centres {
		for _, y := range centres {
			// The three corners that finders take have none.
			if (x == 6 && y == 6) || (x == 6 && y == last) || (x == last && y == 6) {
				continue
			}
			mark(x-2, y-2, 5, 5)
		}
	}
	return marks
}

// alignmentCentres returns the rows, which are also the columns, of alignment
// patterns (ISO/IEC 18004, annex E): 6 and side−7 with equal even steps back from
// the latter, the first gap taking what is left over. Version 32 alone has a
// smaller step than the rule gives.
func alignmentCentres(version int) []int {
	if version < 2 {
		return nil
	}
	gaps := version/7 + 1
	last := 4*version + 10
	step := (last - 6 + 2*gaps - 1) / (2 * gaps) * 2
	if version == 32 {
		step = 26
	}
	centres := []int{6}
	for gap := gaps - 1; gap >= 0; gap-- {
		centres = append(centres, last-gap*step)
	}
	return centres
}
