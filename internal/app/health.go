package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/telemetry"
)

// From when on a part is looked after rather than well.
const (
	lateAfter    = 2 * time.Minute  // the age of the oldest scan that is logged and not stored
	staleAfter   = time.Minute      // the time since the index held every accepted scan
	unheardAfter = 5 * refreshEvery // the time since places and the ends of codes were last read
	fullFrom     = 0.5              // the share of its limit that a stream or a queue has reached
	memoryFrom   = 0.8              // the share of its bound that a Redis server uses
	littleDisk   = 2 << 30          // bytes left where the data are
	noDisk       = 64 << 20         // too few to go on with
	couldNotTell = "it cannot be asked: "
)

// Checks are what a server's health is made of.
func (p *Parts) checks() []telemetry.Check {
	checks := []telemetry.Check{
		answers("registry", true, func(ctx context.Context) error { _, err := p.Registry.Revision(ctx); return err }),
		answers("scan_log", true, func(ctx context.Context) error { _, err := p.Scans.Progress.Tail(ctx); return err }),
		codesCheck(p.Places.Fresh, p.Clock),
		queueCheck(p.Scans.Queue),
		diskCheck(p.Config.DataDir),
	}
	if _, inMemory := p.Scans.Index(); inMemory {
		checks = append(checks, p.indexCheck())
	}
	return append(checks, p.Scans.checks...)
}

// indexCheck watches the index of stays that traces read.
func (p *Parts) indexCheck() telemetry.Check {
	return telemetry.Check{
		Name: "index",
		Facts: []telemetry.Fact{
			{Name: "index_scans", Help: "Scans that the index of stays holds."},
			{Name: "index_stays", Help: "Stays in the index."},
			{Name: "index_people", Help: "People that the index has a number for."},
			{Name: "index_bytes", Help: "Memory that the index takes."},
			{Name: "index_budget_bytes", Help: "Memory that the index may take; 0 is no bound."},
			{Name: "index_age_seconds", Help: "Time since the index was last known to hold every accepted scan; left out until it first does."},
		},
		Run: func(context.Context) telemetry.Finding {
			s, _ := p.Scans.Index()
			found := telemetry.Finding{Values: []float64{
				float64(s.Scans), float64(s.Stays), float64(s.People), float64(s.Bytes), float64(s.Budget),
			}}
			age := p.Clock().Sub(s.Fresh)
			if !s.Fresh.IsZero() {
				found.Values = append(found.Values, age.Seconds())
			}
			switch {
			case s.State == snapshot.OverBudget:
				found.Detail = fmt.Sprintf("%d MiB are needed and %d allowed: set TRUYVET_MEMORY_BUDGET or TRUYVET_TRACE_SOURCE", s.Needed>>20, s.Budget>>20)
			case s.State == snapshot.Loading:
				found.Detail = fmt.Sprintf("loading: %d of %d scans; no trace can be run yet", s.Scans, s.Total)
			case age > staleAfter:
				found.Detail = fmt.Sprintf("it may lack the scans of the last %s", age.Round(time.Second))
			default:
				return found
			}
			found.Level = telemetry.Degraded
			return found
		},
	}
}

// codesCheck watches how old what is known of places and of the ends of codes is. A server that cannot read them goes on with what
// it knows.
func codesCheck(fresh func() int64, clock func() time.Time) telemetry.Check {
	return telemetry.Check{
		Name:  "codes",
		Facts: []telemetry.Fact{{Name: "codes_age_seconds", Help: "Time since the places and the ends of their codes were last read from the registry."}},
		Run: func(context.Context) telemetry.Finding {
			age := clock().Sub(time.Unix(fresh(), 0))
			found := telemetry.Finding{Values: []float64{age.Seconds()}}
			if age > unheardAfter {
				found.Level = telemetry.Degraded
				found.Detail = fmt.Sprintf("codes that were revoked within the last %s may still be taken: the registry could not be read", age.Round(time.Second))
			}
			return found
		},
	}
}

// answers makes a check of something that answers or does not.
func answers(name string, vital bool, ask func(context.Context) error) telemetry.Check {
	return telemetry.Check{Name: name, Vital: vital, Run: func(ctx context.Context) telemetry.Finding {
		if err := ask(ctx); err != nil {
			return telemetry.Finding{Level: levelOf(vital), Detail: err.Error()}
		}
		return telemetry.Finding{}
	}}
}

func levelOf(vital bool) telemetry.Level {
	if vital {
		return telemetry.Down
	}
	return telemetry.Degraded
}

// queueCheck watches the scans that wait for their commit.
func queueCheck(queue func() (waiting, bound int)) telemetry.Check {
	return telemetry.Check{
		Name: "queue",
		Facts: []telemetry.Fact{
			{Name: "queue_scans", Help: "Scans that wait for the commit to the scan log or are in one."},
			{Name: "queue_limit_scans", Help: "Scans that may wait; beyond it they are answered 503."},
		},
		Run: func(context.Context) telemetry.Finding {
			waiting, bound := queue()
			found := telemetry.Finding{Values: []float64{float64(waiting), float64(bound)}}
			if float64(waiting) > fullFrom*float64(bound) {
				found.Level, found.Detail = telemetry.Degraded, fmt.Sprintf("%d of %d places are taken", waiting, bound)
			}
			return found
		},
	}
}

// diskCheck watches the room where the data folder is.
func diskCheck(folder string) telemetry.Check {
	return telemetry.Check{
		Name: "disk",
		Facts: []telemetry.Fact{
			{Name: "disk_free_bytes", Help: "Room that is left on the disk of the data folder."},
			{Name: "disk_size_bytes", Help: "Size of the disk of the data folder."},
		},
		Run: func(context.Context) telemetry.Finding {
			free, size, err := diskRoom(folder)
			if err != nil {
				return telemetry.Finding{Level: telemetry.Degraded, Detail: couldNotTell + err.Error()}
			}
			found := telemetry.Finding{Values: []float64{float64(free), float64(size)}}
			switch {
			case free < noDisk:
				found.Level = telemetry.Down
			case free < littleDisk:
				found.Level = telemetry.Degraded
			default:
				return found
			}
			found.Detail = fmt.Sprintf("%d MiB are left on the disk of the data folder", free>>20)
			return found
		},
	}
}

// backlogCheck watches what the workers have yet to store, and the room of the streams.
func backlogCheck(ask func(context.Context) (scanlog.Backlog, error)) telemetry.Check {
	return telemetry.Check{
		Name: "backlog",
		Facts: []telemetry.Fact{
			{Name: "backlog_entries", Help: "Scans that are logged and not yet stored."},
			{Name: "backlog_seconds", Help: "Age of the oldest scan that is logged and not yet stored."},
			{Name: "stream_entries", Help: "Scans of the longest Redis stream, stored ones in their grace with them."},
			{Name: "stream_limit_entries", Help: "Scans that a stream may have; beyond it they are answered 503."},
			{Name: "redis_memory_bytes", Help: "Memory that the fullest Redis server uses."},
			{Name: "redis_memory_limit_bytes", Help: "Memory that it may use; 0 is no bound."},
			{Name: "dead_letters", Help: "Entries that no worker could read and that wait for an operator."},
			{Name: "dropped_entries", Help: "Entries that went from the scan log before a worker was given them. Always 0."},
		},
		Run: func(ctx context.Context) telemetry.Finding {
			b, err := ask(ctx)
			if err != nil {
				return telemetry.Finding{Level: telemetry.Degraded, Detail: couldNotTell + err.Error()}
			}
			found := telemetry.Finding{
				Detail: strings.Join(troubles(b), "; "),
				Values: []float64{
					float64(b.Entries), b.Oldest.Seconds(), float64(b.Longest), float64(b.MaxLen),
					float64(b.Memory), float64(b.MaxMemory), float64(b.DeadLetters), float64(b.Dropped),
				},
			}
			if found.Detail != "" {
				found.Level = telemetry.Degraded
			}
			return found
		},
	}
}

// troubles says what is not well with a backlog. Dead letters alone are not among it: they may be there for weeks, and what
// is new of them is an alert.
func troubles(b scanlog.Backlog) []string {
	var found []string
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if b.Oldest > lateAfter {
		say("the oldest scan that is not stored is %s old: is a worker running, and ClickHouse?", b.Oldest.Round(time.Second))
	}
	if float64(b.Longest) > fullFrom*float64(b.MaxLen) {
		say("a stream has %d of the %d scans that it may have", b.Longest, b.MaxLen)
	}
	if b.MaxMemory > 0 && float64(b.Memory) > memoryFrom*float64(b.MaxMemory) {
		say("Redis uses %d of its %d MiB", b.Memory>>20, b.MaxMemory>>20)
	}
	if b.Dropped > 0 {
		say("%d entries went from the streams before they were stored", b.Dropped)
	}
	return found
}

// settingsCheck watches the settings of Redis that the promise to keep accepted scans rests on.
func settingsCheck(ask func(context.Context) ([]redisstream.Finding, error)) telemetry.Check {
	return telemetry.Check{Name: "redis_settings", Run: func(ctx context.Context) telemetry.Finding {
		findings, err := ask(ctx)
		if err != nil {
			return telemetry.Finding{Level: telemetry.Degraded, Detail: couldNotTell + err.Error()}
		}
		if len(findings) == 0 {
			return telemetry.Finding{}
		}
		texts := make([]string, len(findings))
		for i, f := range findings {
			texts[i] = f.String()
		}
		return telemetry.Finding{Level: telemetry.Degraded, Detail: strings.Join(texts, "; ")}
	}}
}
