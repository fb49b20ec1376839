// Package benchingest measures how fast scans are taken in, beside the limits of what they go through.
//
// # The contestants
//
// In one run, on one machine, the client included:
//
//   - noop: a server of gin alone that parses the body of a scan and answers it, and does nothing else.
//   - raw.redis.single and raw.redis.pipelined: XADD of a scan's wire form, one a call, and a hundred a pipeline.
//   - raw.sqlite.batch100: the day file's table, a hundred rows a transaction and caller, all that wait in one commit.
//   - raw.clickhouse.insert: blocks of 100,000 rows, by clickhouse-go, into a store's own tables.
//   - ingest.single and ingest.batch100: posts of one scan and of a hundred to `truyvet serve`, in both modes.
//   - ingest.worker: a worker that carries full streams into ClickHouse.
//
// Redis runs with appendfsync always, and without rewrites of its append-only file, which come now and then and would hit
// whoever has the turn; SQLite runs with synchronous=FULL. Servers are processes of their own on free loopback
// ports with their data in a temporary folder. The client keeps some connections busy, each with one request at a time; it
// is as lean as can be, since what it takes of the machine is taken from all alike.
//
// Contestants take turns: each round measures every one for a while, and of the rounds the median counts. So what else the
// machine does meets all of them.
//
// # The replay
//
// Replay measures the whole way instead of its parts: the scans of a city's day, from posts of single scans and of what
// phones had kept, through serve, Redis and a worker into ClickHouse, and through serve into SQLite. Everything on the way, and the
// client, share the machine. In the end it is seen that exactly what was acknowledged is stored.
package benchingest
