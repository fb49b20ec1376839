package snapshot

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// works has some pieces of work done, each of which takes a while, and returns how long it took in all.
func works(ctx context.Context, p *pace, pieces int, each time.Duration) time.Duration {
	began := time.Now()
	rest := p.begin(ctx)
	for range pieces {
		time.Sleep(each)
		rest()
	}
	return time.Since(began)
}

func TestWorkRestsUnlessSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		if took := works(t.Context(), p, 10, 2*time.Millisecond); took != 10*12*time.Millisecond {
			t.Errorf("ten pieces took %v", took)
		}
		if took := works(t.Context(), p, 10, pieceOfWork/4); took != 10*pieceOfWork/4+2*restFactor*pieceOfWork {
			t.Errorf("ten quarters of a piece took %v", took)
		}
		if took := works(t.Context(), p, 1, time.Second); took != time.Second+longestRest {
			t.Errorf("a long piece and its rest took %v", took)
		}
		first, second := p.hurry(), p.hurry()
		if took := works(t.Context(), p, 10, 2*time.Millisecond); took != 20*time.Millisecond {
			t.Errorf("while two wait ten pieces took %v", took)
		}
		first()
		if took := works(t.Context(), p, 10, 2*time.Millisecond); took != 20*time.Millisecond {
			t.Errorf("while one waits ten pieces took %v", took)
		}
		second()
		time.AfterFunc(time.Second+50*time.Millisecond, func() { defer p.hurry()() })
		if took := works(t.Context(), p, 1, time.Second); took != time.Second+50*time.Millisecond {
			t.Errorf("a rest that somebody ends took %v", took-time.Second)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if took := works(ended, p, 10, 2*time.Millisecond); took != 20*time.Millisecond {
			t.Errorf("in the end ten pieces took %v", took)
		}
	})
}
