package memindex

// Effort is how much of the machine building may take.
type Effort struct {
	Workers int // at most; 0 = one
	// Rest is called by each of the workers again and again, after what takes some hundred microseconds. It may take its time, and so
	// leave the machine to others. nil = they go on at once.
	Rest func()
}

// between is about how many records are dealt with from one rest to the next.
const between = 1 << 13

// resting has long work rest now and then. The zero value never does. It is for one goroutine.
type resting struct {
	rest func()
	done int // since the last rest
}

// after notes that so many records were dealt with.
func (r *resting) after(records int) {
	if r.done += records; r.done >= between {
		r.done = 0
		if r.rest != nil {
			r.rest()
		}
	}
}

// inSteps deals with n records, and rests in between.
func (r *resting) inSteps(n int, do func(first, end int)) {
	for first := 0; first < n; first += between {
		end := min(first+between, n)
		do(first, end)
		r.after(end - first)
	}
}
