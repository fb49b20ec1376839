// Package benchwalk measures the walk of package tracing beside what people would use instead: a plain walk over two sorted
// arrays, and staged SQL on SQLite, PostgreSQL and ClickHouse, every one on the same made-up city and with the same answers.
//
// # The city
//
// [Generate] makes it from a seed, each person from a stream of random numbers of their own, so that it is the same
// whatever the number of threads. People and places are the numbers 0, 1, 2, …; where an engine knows them by UUID, the
// UUID is made from the number.
//
// At 20 M stays there are 500,000 people, 20,000 places and 14 days; the smaller and the larger city keep those
// proportions. Three places in ten are workplaces. Six in ten people work, five days of seven, six to ten hours, some of
// them through the night. All go on errands of ten minutes to more than two hours: three in four of them to half a dozen
// places of their neighbourhood that they keep going to, the others anywhere. Places differ much in how many come: the
// largest has thousands of visitors a day. Nobody has two stays at once or two that touch, so that the stays are united
// stays.
//
// The cases are chosen among people all over the city by how many F1 they have. At 20 M stays one case has 201 F1 and some
// 82,000 F2, and the 26 cases have 26,000 F1, 474,000 F2 and 21 million contacts between the two.
//
// # The questions
//
// All with an overlap of 15 minutes, no linger, no latency, depth 2, at the places scanned; a contact carries on until the
// last day ends.
//
//   - F1 of one case, and of 26: each person met, with their first exposure.
//   - F2 of one case, and of 26: each person who is first met by an F1, with the number of distinct F1 who met them.
//   - Who and when, of 26: everybody in F1 and F2 with their generation's first exposure.
//
// An answer is compared by its number of people, the sum of its values and a sum of squares of both together (see
// [Digest]); a run in which two engines differ fails.
//
// # What is measured
//
// A question's time is from the cases to the whole answer, with every stage between. SQL engines answer with the digest, not
// with the rows, so that the time in which a driver would carry rows is not counted against them. The walk answers with
// the rows, by number. Each engine has the data in the orders that serve it best, loaded before, and holds it in memory. Engines run one
// after the other, each alone on the machine. Of the formulations of a question in SQL the best of the run counts.
//
// The walk over finished stays in ClickHouse is measured on the server that answered in SQL before, and where chdb is among
// the peers, SQL and walk once more on a current engine in this process. Beside its time stands the memory that it took: how
// much more was in use on the heap than before, at the most. Of that, source.walk_memory is what the setting allows for telling
// apart whom people have it from; the rest is a few words for everybody, and what is read at a time.
package benchwalk
