// Package loadgen is a morning at a city's entrances: people on their way scan the codes of places, at a given rate, against a
// server that is told nothing of it. It knows what it sent and what it was answered, and says whether exactly that is in the
// store.
//
// It is an open loop. When each request is due follows from the rate and the seed alone; nothing that the server does puts a
// request off. A latency is counted from when the request was due and not from when it could be sent, so a server that
// stands still for a second is charged with everybody who came in that second (what is called coordinated omission is
// avoided). A request that could not even be sent in a tenth of the time that an answer may take is given up and counted as such.
//
// In place of a morning it can replay a whole day, with its scans in the order of their time, as fast as the server takes them:
// each connection sends its next request once the one before is answered, and again what the server could not take at that moment.
//
// The room knows nothing of how scans are stored: codes, credentials and what is stored come from its caller.
package loadgen
