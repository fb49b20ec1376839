package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Level says how well a part is. A greater one is worse.
type Level int

// The levels.
const (
	OK       Level = iota
	Degraded       // it works, and somebody should look at it before it does not
	Down           // what the process is for cannot be done
)

// String returns the level's word, as it stands in answers.
func (l Level) String() string {
	switch l {
	case OK:
		return "ok"
	case Degraded:
		return "degraded"
	default:
		return "down"
	}
}

// Fact names a number that a check finds. It is a gauge, truyvet_NAME, as well.
type Fact struct{ Name, Help string }

// Finding is what a check finds. Detail says in one line what is not well, without secrets and personal details. Values
// holds the numbers of the check's Facts, in their order, without those at the end that could not be had.
type Finding struct {
	Level  Level
	Detail string
	Values []float64
}

// Check looks at one part of a process. Run may be called while another check runs, never twice at once. Vital says that
// the process is down when the check does not answer; else it is degraded.
type Check struct {
	Name  string
	Facts []Fact
	Vital bool
	Run   func(ctx context.Context) Finding
}

// Part is a check and what it found.
type Part struct {
	Check
	Finding
}

// The pace of a board.
const (
	checkTimeout = 2 * time.Second // of all checks together
	checkAge     = time.Second     // how long findings are good: however many ask, the parts are not asked more often
)

// Board holds the checks of a process and whether it is stopping. It is safe for concurrent use.
type Board struct {
	checks []Check
	logger *slog.Logger
	clock  func() time.Time

	mu    sync.Mutex // held while the checks run: who comes meanwhile takes over what they find
	at    time.Time
	parts []Part

	state    sync.Mutex
	running  []bool // per check
	stopping bool
}

// NewBoard returns a board of checks. A change of a part's level is logged once.
func NewBoard(logger *slog.Logger, clock func() time.Time, checks ...Check) *Board {
	return &Board{checks: checks, logger: logger, clock: clock, running: make([]bool, len(checks))}
}

// Stop makes Status say stopping, for good.
func (b *Board) Stop() {
	b.state.Lock()
	defer b.state.Unlock()
	b.stopping = true
}

// Look returns all parts in the order of the checks, at most a second old. It takes two seconds at most: a check that has
// not answered by then is reported so, and not run again before it has.
func (b *Board) Look(ctx context.Context) []Part {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.parts != nil && b.clock().Sub(b.at) < checkAge {
		return b.parts
	}
	// The findings are for all who ask, so they do not end with the one who happened to be first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	answers := make([]chan Finding, len(b.checks))
	for i := range b.checks {
		answers[i] = b.run(ctx, i)
	}
	parts := make([]Part, len(b.checks))
	for i, check := range b.checks {
		parts[i] = Part{Check: check, Finding: await(ctx, answers[i], check)}
	}
	b.logChanges(parts)
	b.at, b.parts = b.clock(), parts
	return parts
}

// run starts a check, unless it has not come back from an earlier start.
func (b *Board) run(ctx context.Context, i int) chan Finding {
	answer := make(chan Finding, 1)
	b.state.Lock()
	defer b.state.Unlock()
	if b.running[i] {
		answer <- silent(b.checks[i])
		return answer
	}
	b.running[i] = true
	go func() {
		found := b.checks[i].Run(ctx)
		b.state.Lock()
		b.running[i] = false
		b.state.Unlock()
		answer <- found
	}()
	return answer
}

func await(ctx context.Context, answer <-chan Finding, check Check) Finding {
	select {
	case found := <-answer:
		return found
	case <-ctx.Done():
	}
	select { // a check that ended with ctx may have said why
	case found := <-answer:
		return found
	case <-time.After(checkTimeout / 10):
		return silent(check)
	}
}

func silent(check Check) Finding {
	return failed(check.Vital, fmt.Sprintf("it has not answered within %s", checkTimeout))
}

func failed(vital bool, detail string) Finding {
	if vital {
		return Finding{Level: Down, Detail: detail}
	}
	return Finding{Level: Degraded, Detail: detail}
}

// logChanges says which parts have become worse or better.
func (b *Board) logChanges(parts []Part) {
	for i, part := range parts {
		before := OK
		if b.parts != nil {
			before = b.parts[i].Level
		}
		switch {
		case part.Level > before:
			b.logger.Warn("a part is not well", "part", part.Name, "status", part.Level.String(), "detail", part.Detail)
		case part.Level < before:
			b.logger.Info("a part is better", "part", part.Name, "status", part.Level.String())
		}
	}
}

// Status is the word for a whole process: ready, degraded, down or stopping.
type Status string

// The words.
const (
	StatusReady    Status = "ready"
	StatusDegraded Status = "degraded"
	StatusDown     Status = "down"
	StatusStopping Status = "stopping"
)

// Takes says whether the process takes work: a degraded one does.
func (s Status) Takes() bool { return s == StatusReady || s == StatusDegraded }

// Status returns the word for the process and its parts.
func (b *Board) Status(ctx context.Context) (Status, []Part) {
	parts := b.Look(ctx)
	b.state.Lock()
	defer b.state.Unlock()
	if b.stopping {
		return StatusStopping, parts
	}
	worst := OK
	for _, part := range parts {
		worst = max(worst, part.Level)
	}
	return [...]Status{OK: StatusReady, Degraded: StatusDegraded, Down: StatusDown}[worst], parts
}
