package scanlog

import "time"

// Backlog is what stands in a log and how much room it has left.
type Backlog struct {
	Entries     int64         // scans that are logged and not yet stored
	Oldest      time.Duration // age of the oldest of these; 0 where there are none
	Dropped     int64         // entries that are gone from the log and were never given to a worker
	Longest     int64         // scans of the longest shard, with those that are stored and not yet trimmed
	MaxLen      int64         // scans that a shard may have; beyond it appends are ErrFull
	DeadLetters int64
	Memory      int64 // bytes that the fullest server of the log uses
	MaxMemory   int64 // bytes that it may use; 0 = no bound
}
