// Package memindex holds stays in memory so that a walk over a city takes as long as the memory does.
//
// # What an index is made of
//
// A [Numbering] gives people and places (a vehicle on a trip is a place of its own) the numbers 0, 1, 2, … An [Index] then has
// a segment for each day, of the stays that began on it; days run from 3 at night in Vietnam. A segment knows of no other and
// never changes, so all of them are built at once on all cores, and [Index.Replace] makes an index that replaces the days on
// which some people's stays have changed and shares the others. In a segment:
//
//	records    8 B per stay       enter 17 bits, length 17, person 27, basis 2, flagged 1; by place, class, entry
//	byPerson   4 B per stay       positions in records, by person
//	people     4 B per person     where byPerson begins for each
//	lists     16 B per place      which places were entered that day, and where their three lists begin
//	groups     4 B per 64 stays   the place of every 64th record: from a position its place is one or two steps away
//
// Stays of one person at one place that touch are united when the segment is built; a union of several has a mark in its
// record and its parts beside it, which only evidence looks at. The lists of a place are those of stays under two hours, of
// two hours or more, and of those past the end of the day. So one person behind the counter all day does not make every search
// for customers go back to the morning, and what a day needs of the days before is a list of its own, with a bit that says
// whether there is any. What unites across days, or lasts longer than 17 bits say (36 hours), stands in a list of odd stays
// beside the segments, and the records that it is made of are hidden. The as-of time is not in the index: it cuts the
// infectious part of a source's stay, and after that there is nothing to clip. For the scope site there is a second index, made
// of the first when it is asked for.
//
// # What that costs
//
// A made-up city of 19.3 million stays (500,000 people, 20,000 places, 14 days) takes 13.75 B per stay: 8 of records, 4 of
// positions, 1.45 of people, 0.23 of lists, 0.06 of groups. Plain sorted arrays, by person and by place, of person or place,
// enter and leave in 4 B each take 24.1. The ids come to 1.3 B per stay more.
//
// What moves a walk is how many cache lines of 64 B it waits for. A source's day is one line of people, one of byPerson,
// and for each stay one of records, which is also where those are who came at about the same time: the eight neighbours in
// the line, and the lines before and after it. The place is one line of groups and one of lists. Sources are worked at in
// batches, step by step, so that those lines are waited for together. Then there are 8 B to read for each candidate, with no
// branch on whether it is one, and a cell of 8 B to change for each contact: earliest exposure, last source, number of sources.
//
// The cells of two million people are 16 MB, far more than the second cache holds, and contacts lie anywhere in them. So
// those of many sources are first parted by ranges of 65,536 people, 8 B each one after the other, in the order of their
// sources; when a range has half as many contacts as people, its cells, 512 KB, are brought near in a row and the contacts
// added. For eight contacts that is one line of contacts, written and read, and two of cells, all in a row, where otherwise
// there would be eight lines to wait for. A walk takes a cell of 8 B for each person, however many workers there are, and each
// worker about 4 B for each person of contacts that wait, and what one batch of sources finds beyond that. What up to 64
// sources find goes to the cells at once.
//
// # Two ways to walk
//
// Few sources are looked up, each by itself. For many, and when only who and when is asked, one sweep goes through the places
// where somebody was infectious, day by day, reads every record there once, in order, and finds for each stay its earliest
// exposure from the running latest end among the infectious: the time is that of the stays, not of the contacts. Who was
// exposed before a day is passed over on it, and after a few days that is nearly everybody. Nothing is allocated for a contact
// in either; what a walk allocates is its presences and its lists of people.
//
// [tracing.Detail] with Sources or Cases is never swept, for a contact must then be told from another with the same person, nor
// is a limit on crowds: to count the distinct people around a presence is to look it up, and its contacts are found by that.
//
// # How it is built
//
// Stays are parted by day. Then each day is a piece of work: its records are scattered to the lists of their places, each list
// is sorted in the cache, and last the positions are scattered by person, which also shows where somebody's records touch.
// Those places, usually none, are united and the positions scattered again. Building takes 4 B per stay, and each worker 8 B
// per stay of its day, beside the index and what it is made of.
package memindex
