package redisstream_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// Appenders send batches, and send them again until they are answered, while the server is killed and started again:
// everything they were told is logged is there once.
func TestAcceptedSurvivesKillOfTheServer(t *testing.T) {
	const appenders, batches, size, kills = 4, 150, 40, 4
	server := testserver.Redis(t, testenv.RedisOptions{})
	layout := newLayout()
	log := openLog(t, server, redisstream.Options{Layout: layout})
	answered := make(chan struct{}, appenders*batches)
	failures := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for b := range batches {
				from := (a*batches + b) * size
				for {
					_, err := log.Append(t.Context(), scanlogtest.Scans(from, from+size))
					if err == nil {
						break
					}
					if !errors.Is(err, scanlog.ErrUnavailable) {
						t.Errorf("append: %v", err)
						return
					}
					select {
					case failures <- struct{}{}:
					default:
					}
					select {
					case <-t.Context().Done():
						return
					case <-time.After(time.Millisecond):
					}
				}
				answered <- struct{}{}
			}
		})
	}
	for range kills {
		for range appenders * batches / (kills + 2) {
			<-answered
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		<-failures // somebody has noticed
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	times := make(map[scan.Key]int)
	for _, s := range all(t, server, layout.Prefix) {
		times[s.Key()]++
	}
	if len(times) != appenders*batches*size {
		t.Errorf("%d scans are logged of %d that were accepted", len(times), appenders*batches*size)
	}
	for n := range appenders * batches * size {
		s := scanlogtest.Scan(n)
		if times[s.Key()] != 1 {
			t.Fatalf("scan %d is logged %d times", n, times[s.Key()])
		}
	}
}
