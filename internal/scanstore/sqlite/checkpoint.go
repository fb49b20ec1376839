package sqlite

import (
	"context"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
)

// checkpointEvery is how often what was committed is carried from a day's write-ahead log into its file.
const checkpointEvery = 200 * time.Millisecond

// maxLogPages is how many pages a write-ahead log has before commits carry over what is left themselves. Then the log begins
// anew. Where the checkpoints beside them keep up, that is what came since the last one.
const maxLogPages = 8000

// checkpoint carries over what was committed, beside the commits, until ctx ends: all at once, within one of them, it would keep
// everybody waiting who comes meanwhile.
func (s *Store) checkpoint(ctx context.Context) {
	turn := time.NewTicker(checkpointEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		for _, day := range s.files.dirty() {
			// Should it fail, the pages stay in the log, which is as durable, and are carried over by a commit or the next turn.
			_ = s.checkpointDay(ctx, day)
		}
	}
}

func (s *Store) checkpointDay(ctx context.Context, day scan.Day) error {
	file, err := s.files.pin(ctx, day, false)
	if err != nil || file == nil {
		return err
	}
	defer s.files.unpin(day)
	_, err = file.db.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
	return err
}
