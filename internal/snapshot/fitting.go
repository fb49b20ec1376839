package snapshot

import (
	"context"
	"errors"
)

// Fitting gives snapshots from memory for as long as the scans fit into it, and else such as leave them in the store.
type Fitting struct {
	memory *Memory
	direct *Direct
}

// NewFitting returns a Fitting of the two.
func NewFitting(memory *Memory, direct *Direct) *Fitting { return &Fitting{memory, direct} }

// Snapshot is that of Memory, but where it is ErrOverBudget that of Direct.
func (f *Fitting) Snapshot(ctx context.Context, asOf int64) (Snapshot, error) {
	sight, err := f.memory.Snapshot(ctx, asOf)
	if errors.Is(err, ErrOverBudget) {
		return f.direct.Snapshot(ctx, asOf)
	}
	return sight, err
}
