package snapshot

import (
	"maps"
	"time"

	"github.com/truyvet/truyvet/internal/scanlog"
)

// State is what a Memory is at.
type State string

// The states of a Memory.
const (
	Loading    State = "loading"     // it reads what was there before it
	Live       State = "live"        // it holds everything up to Status.Watermark
	OverBudget State = "over_budget" // it holds nothing, since the scans do not fit
)

// Status is how a Memory is, for operators. It holds nothing about anybody.
type Status struct {
	State  State
	Scans  int // held
	Stays  int // in the index
	People int // that have a number, with or without stays
	Bytes  int64
	Budget int64 // 0 = no bound
	Needed int64 // bytes that were reckoned before loading

	Watermark scanlog.Watermark
	Fresh     time.Time // when the index was last known to hold everything that had been accepted by then

	Total int64 // scans in the store when loading began
}

// Status returns how the memory is. It waits for nothing.
func (m *Memory) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	status := m.status
	status.Watermark = maps.Clone(status.Watermark)
	if status.State == "" {
		status.State = Loading
	}
	return status
}

// progress notes how many scans are held.
func (m *Memory) progress(scans int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.Scans = scans
}

// report notes the state, of which the index is up to date. The caller has the turn.
func (m *Memory) report(s *state) {
	bytes, now := s.bytes(), m.o.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.State, m.status.Fresh, m.status.Bytes = Live, now, bytes
	m.status.Scans, m.status.Stays, m.status.People = s.scans.Len(), s.stays, len(s.people.first)
	m.status.Watermark = m.sight.Load().watermark
}
