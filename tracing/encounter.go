package tracing

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// encounter is a contact with somebody whose evidence is wanted.
type encounter struct {
	contact uint32
	crowd   int32
	p       *presence
	b       *guest
}

// note keeps an encounter, in a block that never moves.
func (g *gathering) note(e encounter) {
	const block = 1 << 12
	last := len(g.encounters) - 1
	if last < 0 || len(g.encounters[last]) == block {
		g.encounters = append(g.encounters, make([]encounter, 0, block))
		last++
	}
	g.encounters[last] = append(g.encounters[last], e)
}

// describeAll makes evidence of the encounters, and forgets them. In a long list there is much of it: its memory is taken at
// once, and all cores work at it.
func (g *gathering) describeAll() {
	ends := make([]int, len(g.ids)) // by person: how many encounters they have, then where the next goes, then where they end
	for _, block := range g.encounters {
		for i := range block {
			ends[block[i].contact]++
		}
	}
	sum := 0
	for n, many := range ends {
		ends[n] = sum
		sum += many
	}
	ordered := make([]encounter, sum)
	for i, block := range g.encounters {
		for _, e := range block {
			ordered[ends[e.contact]] = e
			ends[e.contact]++
		}
		g.encounters[i] = nil
	}
	evidence := make([]Evidence, len(ordered))
	eachInParallel(len(g.ids), func(n int) {
		first := 0
		if n > 0 {
			first = ends[n-1]
		}
		if first == ends[n] {
			return
		}
		own := evidence[first:ends[n]:ends[n]]
		for i := range own {
			own[i] = g.describe(&ordered[first+i])
		}
		slices.SortFunc(own, Evidence.compare)
		g.evidence[n] = own
	})
	g.encounters = g.encounters[:0]
}

// eachInParallel does n pieces of work on all cores and waits for them.
func eachInParallel(n int, do func(i int)) {
	const chunk = 256
	var chunks atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		wait.Go(func() {
			for first := chunk * int(chunks.Add(1)-1); first < n; first = chunk * int(chunks.Add(1)-1) {
				for i := first; i < min(first+chunk, n); i++ {
					do(i)
				}
			}
		})
	}
	wait.Wait()
}

// describe describes a contact.
func (g *gathering) describe(c *encounter) Evidence {
	p, b := c.p, c.b
	from, to := max(p.from, b.enter), min(p.until, b.leave)
	sourceBasis, sourceFlagged, met := worst(p.stay.Parts, from, to)
	if !met {
		sourceBasis, sourceFlagged, _ = worst(p.stay.Parts, p.to-1, p.to)
	}
	contactBasis, contactFlagged, _ := worst(b.parts, from, to)
	e := Evidence{
		Source: g.ids[p.person], Place: p.stay.Place, From: from, To: to,
		SourceBasis: sourceBasis, ContactBasis: contactBasis,
		Crowd: int(c.crowd), Flagged: sourceFlagged || contactFlagged,
	}
	switch basis := max(sourceBasis, contactBasis); {
	case e.Flagged || basis == Assumed:
		e.Certainty = Possible
	case basis == Moved:
		e.Certainty = Probable
	default:
		e.Certainty = Confirmed
	}
	return e
}
