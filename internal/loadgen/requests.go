package loadgen

import (
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// request is a post that is due at some instant.
type request struct {
	due    time.Duration // from the start
	text   []byte
	first  uint64 // the number of its first scan in the ledger
	scans  int
	status int    // that it must be answered with, unless the server cannot take it now
	result string // of each scan, where the status is 200: "taken" or "refused"
}

// Shares say what part of the requests is not one new scan, in per cent of all. Their sum is at most 100.
type Shares struct {
	Offline    int // what a phone kept while it had no network: two to twenty scans of one person
	Duplicates int // a request that was sent before, as it was
	Bad        int // forged codes, scans of the future, bodies that cannot be read, credentials of nobody
}

// requests writes what is sent. It is for one goroutine.
type requests struct {
	morning    *morning
	random     *rand.Rand
	shares     Shares
	places     []Place
	credential func(alias uuid.UUID) string
	target     string // the host
	ledger     *ledger
	start      time.Time
	sent       []request // the last ones that are good, to be sent again
	oldest     int
	body       []byte
	made       atomic.Int64 // scans that are to be taken, each counted once; read by others
}

// keptRequests is how many requests may be sent again.
const keptRequests = 512

// longestOffline is how many scans a phone keeps here.
const longestOffline = 20

// next returns the request that is due at an instant.
func (q *requests) next(due time.Duration) request {
	draw := q.random.IntN(100)
	switch {
	case draw < q.shares.Bad:
		return q.bad(due)
	case draw < q.shares.Bad+q.shares.Duplicates && len(q.sent) > 0:
		again := q.sent[q.random.IntN(len(q.sent))]
		again.due = due
		return again
	case draw < q.shares.Bad+q.shares.Duplicates+q.shares.Offline:
		return q.keep(q.good(due, 2+q.random.IntN(longestOffline-1), true))
	}
	return q.keep(q.good(due, 1, false))
}

// keep remembers a request in place of the oldest.
func (q *requests) keep(r request) request {
	if len(q.sent) < keptRequests {
		q.sent = append(q.sent, r)
		return r
	}
	q.sent[q.oldest] = r
	q.oldest = (q.oldest + 1) % keptRequests
	return r
}

// good writes scans of one person: one of now, or several that a phone kept over the last hours.
func (q *requests) good(due time.Duration, scans int, offline bool) request {
	r := request{due: due, scans: scans, status: http.StatusOK, result: "taken"}
	v := q.morning.next()
	alias := q.morning.alias(v.person)
	q.body = append(q.body[:0], `{"scans":[`...)
	for i := range scans {
		made := q.start.Add(due)
		if offline {
			made = made.Add(-time.Duration(scans-i) * 7 * time.Minute)
		}
		s := Scan{Alias: alias, Place: q.places[v.place].ID, At: made.Unix(), Kind: v.kind, Offline: offline}
		n := q.ledger.enter(&s, made.UnixMilli(), false)
		if i == 0 {
			r.first = n
		} else {
			q.body = append(q.body, ',')
		}
		q.write(s, q.places[v.place].Code)
		v = q.morning.of(v.person)
	}
	q.body = append(q.body, `]}`...)
	q.made.Add(int64(scans))
	r.text = q.post(q.credential(alias))
	return r
}

// bad writes a scan that must not be taken.
func (q *requests) bad(due time.Duration) request {
	r := request{due: due, scans: 1, status: http.StatusOK, result: "refused"}
	v := q.morning.next()
	made := q.start.Add(due)
	s := Scan{Alias: q.morning.alias(v.person), Place: q.places[v.place].ID, At: made.Unix(), Kind: v.kind}
	code, credential := q.places[v.place].Code, q.credential(s.Alias)
	which := q.random.IntN(4)
	if which == 0 {
		s.At += 25 * 3600 // an hour from now even at the beginning of a day that is replayed
	}
	r.first = q.ledger.enter(&s, made.UnixMilli(), true)
	q.body = append(q.body[:0], `{"scans":[`...)
	switch which {
	case 1:
		code = forged(code)
	case 2:
		r.status = http.StatusUnauthorized
		credential = strings.Repeat("A", len(credential))
	}
	q.write(s, code)
	q.body = append(q.body, `]}`...)
	if which == 3 {
		r.status = http.StatusBadRequest
		q.body = q.body[:len(q.body)-1]
	}
	r.text = q.post(credential)
	return r
}

// forged returns a code with another signature.
func forged(code string) string {
	const within = 100
	other := byte('A')
	if code[within] == other {
		other = 'B'
	}
	return code[:within] + string(other) + code[within+1:]
}

// write adds a scan to the body.
func (q *requests) write(s Scan, code string) {
	q.body = append(q.body, `{"id":"`...)
	for i, part := range [][]byte{s.ID[:4], s.ID[4:6], s.ID[6:8], s.ID[8:10], s.ID[10:]} {
		if i > 0 {
			q.body = append(q.body, '-')
		}
		q.body = hex.AppendEncode(q.body, part)
	}
	q.body = append(q.body, `","token":"`...)
	q.body = append(q.body, code...)
	q.body = append(q.body, `","kind":"`...)
	q.body = append(q.body, map[Kind]string{In: "in", Out: "out"}[s.Kind]...)
	if s.Offline {
		q.body = append(q.body, `","how":"phone_offline`...)
	}
	q.body = append(q.body, `","at":`...)
	q.body = strconv.AppendInt(q.body, s.At, 10)
	q.body = append(q.body, '}')
}

// post returns the request with the body.
func (q *requests) post(credential string) []byte {
	text := make([]byte, 0, 256+len(credential)+len(q.body))
	text = append(text, "POST /api/v1/scans HTTP/1.1\r\nHost: "...)
	text = append(text, q.target...)
	text = append(text, "\r\nAuthorization: Bearer "...)
	text = append(text, credential...)
	text = append(text, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	text = strconv.AppendInt(text, int64(len(q.body)), 10)
	text = append(text, "\r\n\r\n"...)
	return append(text, q.body...)
}
