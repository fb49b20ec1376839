package redisstream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

func TestLease(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	logs := make([]*redisstream.Log, 2)
	for i := range logs {
		var err error
		if logs[i], err = redisstream.Open("redis://"+server.Addr+"/0", redisstream.Options{}); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = logs[i].Close() }()
	}
	const term = time.Minute
	never := func(context.Context) error {
		t.Error("two hold one lease")
		return nil
	}
	fault := errors.New("fault")
	ran, err := logs[0].WhileLeased(t.Context(), "seal", term, func(ctx context.Context) error {
		for _, log := range logs {
			if ran, err := log.WhileLeased(ctx, "seal", term, never); ran || err != nil {
				t.Errorf("%t, %v", ran, err)
			}
		}
		if ran, err := logs[1].WhileLeased(ctx, "other", term, func(context.Context) error { return nil }); !ran || err != nil {
			t.Errorf("another name: %t, %v", ran, err)
		}
		return fault
	})
	if !ran || !errors.Is(err, fault) {
		t.Errorf("%t, %v", ran, err)
	}
	if ran, err := logs[1].WhileLeased(t.Context(), "seal", term, func(context.Context) error { return nil }); !ran || err != nil {
		t.Errorf("after its end: %t, %v", ran, err)
	}

	// Without Redis the lease cannot be kept.
	_, err = logs[0].WhileLeased(t.Context(), "seal", 300*time.Millisecond, func(ctx context.Context) error {
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, redisstream.ErrLeaseLost) {
		t.Errorf("got %v", err)
	}
	if ran, err := logs[1].WhileLeased(t.Context(), "seal", term, never); ran || err == nil {
		t.Errorf("without Redis: %t, %v", ran, err)
	}
}
