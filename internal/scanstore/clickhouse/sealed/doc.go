// Package sealed keeps finished stays in ClickHouse, and walks over them there: for a city whose stays do not fit in memory.
//
// # What is kept
//
// People and places (a vehicle on a trip is a place of its own) have numbers 0, 1, 2, … in the tables. A row of sealed_stays is
// a group: what one place, or one person, has on one UTC day, by the entries of the stays, which are whole and not cut at
// midnight. Its bytes hold a record of 8 B for each united stay, in the order of the entries, and behind them the parts of
// those that were made of several:
//
//	enter 17 bits (second of the day) | length 17 | the other's number 27 | basis 2 | flagged 1
//
// So the server looks up and sends a few strings for a day of a place instead of thousands of rows, which is what reading
// costs with its protocol, and what comes in is nearly what a walk works on. Every stay stands twice, by place and by person.
//
// # How it comes about
//
// A pass ([Stays.Seal]) derives the stays of everybody who has changed since the one before: who has scans past its watermark,
// was linked or erased, or was at a place that has moved. Each day on which somebody has other stays than before is written
// anew, whole, under a version of its own, and then the pass itself, as one row: it says which version of each day holds, how
// many rows that has, the watermark and the revision. Day and version are the partition key. A version is never changed, so
// whoever reads picks a pass and sees what it wrote, with no lock, whatever comes later; REPLACE PARTITION would need half as
// many names and give that up. Versions that no pass of the last hour needs are dropped.
//
// A pass that is cut off has written rows that nothing names. Passes form a chain, by the pass that each was made of: where
// two processes seal at a time, the chain of the newest counts and the other has worked for nothing. Old servers do not write
// through to the disk, so rows are counted when a pass is read: one that is not all there is as if it had never been.
//
// # How it is read
//
// [Stays.Open] picks the newest pass, and derives by itself, in memory, the stays of those who have changed since, up to the
// watermark of the run: their sealed ones do not count. So a run sees everything that was accepted, and its lists are those
// of the memory index, byte for byte, but for one thing: once retention has dropped a day, a stay of the day after that rests
// on one of its scans stays as it was derived before, until the person is scanned again.
//
// A walk takes one place after the other, all days of it that matter together, so that what goes on over midnight, the linger
// and the crowd need nothing else. With few sources it first asks where they were, and then for those places and days: two
// round trips for a generation, each on several connections, since the server looks up few rows by one thread. With many it
// reads all places once, in pieces, on as many connections as there are processors and one more; a piece is worked at while the
// next is read, and only the pieces at work are in memory. There the stays of a place stand sorted by when they begin, those of
// two hours or longer apart, and around each presence of a source a loop without a branch finds who stayed long enough. Each
// worker has 4 B for everybody, of when they were exposed first. From how many people that is, is counted in the end, one
// source after the other, for the same source may have met somebody at several places: until then whom a source met is noted,
// 4 B for each contact. Where the notes would not fit the memory that is allowed, sources are left to further rounds, in which
// the places are read again for them.
//
// In memory stand, besides, the numbers of people and places: about 60 B for each, shared by all runs of a process.
package sealed
