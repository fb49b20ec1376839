package redisstream

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSeqOfEntry(t *testing.T) {
	for id, want := range map[string]uint64{
		"0-1":                    1 << 10,
		"1-0":                    1 << 22,
		"1636185600123-7":        1636185600123<<22 | 7<<10,
		"4398046511103-4095":     1<<64 - 1<<10,
		"1636185600123-4096":     0, // too many in a millisecond
		"4398046511104-0":        0, // too late
		"18446744073709551616-0": 0,
		"1636185600123":          0,
		"1636185600123-":         0,
		"-1-1":                   0,
		"":                       0,
	} {
		got, err := parseID(id)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q is %d, %v; want %d", id, got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Uint64Min(1).Draw(t, "seq")
		back, err := parseID(entryID(seq))
		if err != nil || back != startOf(seq) || back > seq || endOf(seq) < seq || startOf(endOf(seq)) != back {
			t.Fatalf("%d is in %s, from %d to %d, %v", seq, entryID(seq), back, endOf(seq), err)
		}
	})
}

func TestTrimKeepsPendingUnreadAndYoung(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	at := func(ms, count uint64) uint64 { return ms<<milliShift | count<<numberBits }
	for name, c := range map[string]struct {
		p    progress
		want string
	}{
		"nobody has read":    {progress{exists: true}, "0-0"},
		"all is stored":      {progress{exists: true, delivered: endOf(at(990_000, 5))}, "940000-0"},
		"one is pending":     {progress{exists: true, delivered: endOf(at(990_000, 0)), pending: at(900_000, 3)}, "900000-3"},
		"much is unread":     {progress{exists: true, delivered: endOf(at(800_000, 9))}, "800000-10"},
		"the young pending":  {progress{exists: true, delivered: endOf(at(990_000, 0)), pending: at(980_000, 0)}, "940000-0"},
		"claimed and behind": {progress{exists: true, delivered: endOf(at(700_000, 0)), pending: at(900_000, 0)}, "700000-1"},
	} {
		if got := trimID(c.p, now, time.Minute); got != c.want {
			t.Errorf("%s: trimmed up to %s, want %s", name, got, c.want)
		}
	}
}
