package scanlog

import "github.com/truyvet/truyvet/internal/scan"

// Entry is one entry of a log as it is read back from it.
type Entry struct {
	Shard uint32
	Seq   uint64
	Scan  scan.Scan // with Shard and Seq set; meaningless where Fault is not nil
	Fault error     // why the entry is no scan; nil as a rule
	Raw   []byte    // the entry as it stands in the log
}
