package citizen

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
)

func TestLimits(t *testing.T) {
	phone := func(i int) string { return fmt.Sprintf("09%08d", i) }
	ask := func(b *bench, phone, remote string) error {
		_, err := b.Start(t.Context(), phone, remote)
		return err
	}
	wantLimited := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, ErrTooManyCodes) || errs.Of(err).RetryAfter < time.Second || errs.Of(err).Kind != errs.TooMany {
			t.Errorf("the limit answers %v", err)
		}
	}
	t.Run("a number, however it is written and wherever it is asked from", func(t *testing.T) {
		b := newBench(t)
		for i := range 3 {
			if err := ask(b, "0912345678", fmt.Sprintf("192.0.2.%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		wantLimited(t, ask(b, "+84912345678", "198.51.100.1"))
		if err := ask(b, "0912345679", "198.51.100.1"); err != nil {
			t.Errorf("another number: %v", err)
		}
		b.clock.advance(10 * time.Minute)
		if err := ask(b, "0912345678", "198.51.100.1"); err != nil {
			t.Errorf("ten minutes later: %v", err)
		}
	})
	t.Run("a number and an address, at two processes in turn", func(t *testing.T) {
		b := newBench(t)
		processes := []*bench{b, {Proofs: NewProofs(b.ProofDeps)}}
		for i := range 3 {
			if err := ask(processes[i%2], "0912345678", fmt.Sprintf("192.0.2.%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 30 {
			if err := ask(processes[i%2], phone(i), "198.51.100.1"); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range processes {
			wantLimited(t, ask(p, "0912345678", "192.0.2.9"))
			wantLimited(t, ask(p, phone(99), "198.51.100.1"))
		}
	})
	t.Run("an address cannot use up what is there for all", func(t *testing.T) {
		b := newBench(t)
		for i := range 1000 {
			if err := ask(b, phone(i), fmt.Sprintf("[2001:db8::%x]:443", i)); (err == nil) != (i < 30) {
				t.Fatalf("request %d from one network gives %v", i, err)
			}
		}
		if err := ask(b, phone(5000), "2001:db8:0:1::1"); err != nil {
			t.Errorf("another network: %v", err)
		}
	})
	t.Run("all together", func(t *testing.T) {
		b := newBench(t)
		for i := range 200 {
			if err := ask(b, phone(i), fmt.Sprintf("10.0.0.%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		wantLimited(t, ask(b, phone(200), "10.0.0.200"))
		b.clock.advance(100 * time.Millisecond)
		if err := ask(b, phone(200), "10.0.0.200"); err != nil {
			t.Errorf("a moment later: %v", err)
		}
	})
	t.Run("a refused number costs no one", func(t *testing.T) {
		b := newBench(t)
		if err := ask(b, "not a number", "192.0.2.1"); !errors.Is(err, ErrPhone) {
			t.Error(err)
		}
		if len(b.store.challenges) != 0 || b.sent.code != "" {
			t.Error("a code was made")
		}
	})
}
