package redisstream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// TestMemories sends scans of many spans, with ids that tell no time among them, again and again, and sees that each is
// remembered, that those of one span are together, and that no memory lasts for ever.
func TestMemories(t *testing.T) {
	layout := newLayout()
	log := openLog(t, shared, redisstream.Options{Layout: layout, Window: time.Hour})
	scans := scanlogtest.Scans(0, 400) // one a second
	for i := range scans {
		if i%4 == 0 {
			scans[i].ID = uuid.New()
		}
	}
	for round, want := range []scanlog.Outcome{scanlog.Accepted, scanlog.Duplicate, scanlog.Duplicate} {
		outcomes, err := log.Append(t.Context(), scans)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range outcomes {
			if got != want {
				t.Fatalf("round %d, scan %d: outcome %d", round, i, got)
			}
		}
	}
	for i := range scans {
		scans[i].Serial++
	}
	if outcomes, err := log.Append(t.Context(), scans); err != nil || outcomes[0] != scanlog.Conflict || outcomes[1] != scanlog.Conflict {
		t.Errorf("other scans under the same ids: %v, %v", outcomes[:2], err)
	}
	c := client(t, shared)
	keys, err := c.Keys(t.Context(), layout.Prefix+":*:seen:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var spans, alone int
	for _, key := range keys {
		if life := c.TTL(t.Context(), key).Val(); life <= 0 || life > time.Hour {
			t.Errorf("a memory lasts %v", life)
		}
		if _, name, _ := strings.Cut(key, ":seen:"); len(name) == 32 {
			alone++
		} else {
			spans++
		}
	}
	// 400 seconds are at most 26 spans, in each of four shards.
	if alone != 100 || spans > 4*26 {
		t.Errorf("%d scans are remembered alone and the others in %d spans", alone, spans)
	}
}
