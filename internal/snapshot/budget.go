package snapshot

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scanmem"
)

// PerScan is how many bytes of memory are reckoned for each stored scan before they are loaded: 35 of its record with where it
// stands, 15 of its stay, 15 of the stay at its site once a trace asks for that, 3 of ids and links, and 4 for the day that is
// being built anew. It was measured with 40 scans of each person in two weeks (BenchmarkMemory: 53 held, all but the sites and
// the day); who scans less costs more ids. What is held is looked at while it grows, too.
const PerScan = 72

// predict is ErrOverBudget if so many scans will not fit.
func (m *Memory) predict(scans int64) error {
	need := scans * PerScan
	m.mu.Lock()
	m.status.Total, m.status.Needed = scans, need
	m.mu.Unlock()
	if m.o.Budget > 0 && (need > m.o.Budget || m.spilt > 0 && scans > m.spilt/10*9) {
		m.spill()
		return m.overBudget(need)
	}
	return nil
}

func (m *Memory) overBudget(need int64) error {
	return ErrOverBudget.Because(fmt.Errorf("the scans need about %d MiB, TRUYVET_MEMORY_BUDGET is %d", need>>20, m.o.Budget>>20))
}

// stillFits is ErrOverBudget if what is held takes more than it may. The caller has the turn.
func (m *Memory) stillFits() error {
	m.progress(m.state.scans.Len())
	if m.o.Budget == 0 {
		return nil
	}
	if bytes := m.state.bytes(); bytes > m.o.Budget {
		m.spilt = int64(m.state.scans.Len())
		return m.overBudget(bytes)
	}
	return nil
}

// spill lets go of everything, also on the disk. The caller has the turn.
func (m *Memory) spill() {
	files := m.files
	m.state, m.files = nil, nil
	m.sight.Store(nil)
	if files == nil && m.o.Dir != "" {
		files = scanmem.NewFiles(m.o.Dir, uuid.Nil)
	}
	if files != nil {
		if err := files.Remove(); err != nil {
			m.o.Logger.Warn("the kept index is left behind", "error", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status.State = OverBudget
	m.status.Scans, m.status.Stays, m.status.People, m.status.Bytes, m.status.Watermark = 0, 0, 0, 0, nil
}
