package worker

import (
	"log/slog"
	"sync"
	"time"
)

// state logs when something begins to fail and when it works again, and not every try in between. It is safe for
// concurrent use.
type state struct {
	log  *slog.Logger
	what string

	mu    sync.Mutex
	since time.Time // when it began to fail; zero while it works
	tries int
}

func (s *state) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.since.IsZero() {
		s.since = time.Now()
		s.log.Warn(s.what+" fails and will be retried", "error", err)
	}
}

func (s *state) succeeded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return
	}
	s.log.Info(s.what+" works again", "after", time.Since(s.since).Round(time.Millisecond), "tries", s.tries)
	s.since, s.tries = time.Time{}, 0
}
