package scanlog

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPace has commits that take a while each and a while for each scan, and sees both found out where commits differ; where
// they do not, that a commit lasts as long as they did.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fixed := time.Duration(rapid.IntRange(0, 100_000).Draw(t, "fixed")) * time.Microsecond
		each := time.Duration(rapid.IntRange(1, 1000).Draw(t, "each")) * time.Microsecond
		most := rapid.IntRange(1, 5000).Draw(t, "most")
		p := pace{steady: float64(most*most)/2500 + 1}
		if got := p.of(3, 100); got != 0 {
			t.Fatalf("before the first commit %v are expected", got)
		}
		took := func(scans int) time.Duration { return fixed + time.Duration(scans)*each }
		same := rapid.Bool().Draw(t, "same")
		for range 50 {
			scans := most
			if !same {
				scans = rapid.IntRange(1, most).Draw(t, "scans")
			}
			p.note(scans, took(scans))
		}
		if got := p.of(1, most); same && (got-took(most)).Abs() > time.Microsecond {
			t.Fatalf("like those before it a commit would take %v, not %v", took(most), got)
		}
		commits, scans := rapid.IntRange(1, 20).Draw(t, "commits"), rapid.IntRange(0, 20*most).Draw(t, "of scans")
		got, more := p.of(commits, scans), p.of(commits+1, scans+1)
		if got < 0 || more < got {
			t.Fatalf("%d commits of %d scans take %v, and one more of each %v", commits, scans, got, more)
		}
		if most >= 500 && !same {
			want := time.Duration(commits)*fixed + time.Duration(scans)*each
			// What is drawn to lasting equally long is off by the few per cent that steady makes.
			if slack := want/5 + time.Duration(commits+1)*(fixed+time.Duration(most)*each)/10; (got - want).Abs() > slack {
				t.Fatalf("%d commits of %d scans: %v, want about %v", commits, scans, got, want)
			}
		}
	})
}
