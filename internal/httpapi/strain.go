package httpapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// calm is how long posts of scans may wait until they are read before the first is turned away, and strained when the last is:
	// between the two it is drawn by lot, as random early detection does (Floyd and Jacobson, 1993). To turn one away takes a third to
	// a half of the time that taking it does, so the wait of all stays between the two: see deploy/sizing.md.
	calm     = 300 * time.Millisecond
	strained = 600 * time.Millisecond
	// strainEvery is how often that is looked at.
	strainEvery = 10 * time.Millisecond
)

// strain measures how long what has come waits until it is read: while there is more to do than the processors can, that is most of
// the time that an answer takes, and nothing that reads it can tell. TurnsAway is safe for concurrent use.
type strain struct {
	clock func() time.Time
	sent  atomic.Pointer[time.Time] // what is waited for; nil where nothing is
	last  atomic.Int64              // nanoseconds that was waited for the one before
}

// turnsAway says whether what is read now is to be turned away.
func (s *strain) turnsAway() bool {
	wait := time.Duration(s.last.Load())
	if sent := s.sent.Load(); sent != nil {
		wait = max(wait, s.clock().Sub(*sent))
	}
	return wait > calm && rand.N(strained-calm) < wait-calm //nolint:gosec // it guards nothing
}

// watch sends itself a byte again and again until ctx ends, through a pipe, which stands in the same line as the connections. Once it
// looks no more, none is turned away for what it saw last: a server that is told to stop serves on for a while.
func (s *strain) watch(ctx context.Context) error {
	in, out, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer out.Close()
	defer s.forget()
	came := make(chan struct{})
	reading.Go(func() {
		defer in.Close()
		for one := make([]byte, 1); ; {
			if _, err := in.Read(one); err != nil {
				return // it is closed
			}
			came <- struct{}{}
		}
	})
	look := time.NewTicker(strainEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		sent := s.clock()
		s.sent.Store(&sent)
		if _, err := out.Write([]byte{0}); err != nil {
			return fmt.Errorf("writing to a pipe: %w", err)
		}
		<-came
		s.last.Store(int64(s.clock().Sub(sent)))
		s.sent.Store(nil)
	}
}

func (s *strain) forget() {
	s.last.Store(0)
	s.sent.Store(nil)
}

// Watch measures how busy the process is, for Relieved, until ctx ends. An error means that it cannot.
func (a *API) Watch(ctx context.Context) error { return a.strain.watch(ctx) }
