package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Browsers reads what a citizen's browser keeps for us beside the credential.
type Browsers interface {
	// Mark is what a browser writes on what it keeps for somebody, to know it for theirs. It tells nobody who that is.
	Mark(alias uuid.UUID) string
	// Companions returns the people under the phone of whose credential the browser presents, in the order in which it shows them.
	Companions(r *http.Request, alias uuid.UUID) []uuid.UUID
}

const (
	ownQueuePath = "/api/v1/me/queue"
	// maxOwnQueue is how many scans a phone delivers at once. It sends the next after the answer.
	maxOwnQueue = 100
)

// The reasons for refusing a phone's queue, or one scan of it.
var (
	errOwnQueueSize = errs.New(errs.TooLarge, "queue_too_large", "A phone delivers at most 100 scans at once.")
	errOtherPerson  = errs.New(errs.Forbidden, "scan_of_another", "The scan was kept for somebody else who used this phone.")
	errIDTime       = errs.New(errs.Invalid, "scan_id_time", "The scan's id, a UUIDv7, is not of the scan's time.")
)

// ownQueue is what a citizen's phone has kept, in order.
type ownQueue struct {
	SentAt int64             `json:"sent_at"`
	Scans  []json.RawMessage `json:"scans"`
}

// ownScan is one scan of a phone's queue. Its id is a UUIDv7 of At; a void is at the time of the scan that it takes back, so that a
// code that was good then is good for it, and its id, where that is a UUIDv7, is of as many seconds later as the person took to think
// better of it.
type ownScan struct {
	ID    uuid.UUID       `json:"id"`
	Token string          `json:"token"`
	Kind  string          `json:"kind"`
	Voids uuid.UUID       `json:"voids"`
	With  []int           `json:"with"`  // the positions of those who are there too
	Whose string          `json:"whose"` // the mark of for whom it was kept; empty where the client keeps for one person alone
	Alias json.RawMessage `json:"alias"`
	deviceTime
}

// postOwnQueue takes what a citizen's phone has kept. Each scan is judged by itself and in order; the answer holds one result per
// scan. What is accepted or a duplicate is durable, for everybody who was there.
func (a *API) postOwnQueue(c *gin.Context) error {
	alias, err := a.credential(c.Request)
	if err != nil {
		c.Header("WWW-Authenticate", "Bearer")
		return err
	}
	var queue ownQueue
	if err := readJSON(c.Writer, c.Request, &queue); err != nil {
		return err
	}
	switch {
	case len(queue.Scans) == 0:
		return errBatchEmpty
	case len(queue.Scans) > maxOwnQueue:
		return errOwnQueueSize
	case !sentAt(queue.SentAt):
		return errSent
	}
	d := ownDelivery{
		api: a, alias: alias, mark: a.browsers.Mark(alias), companions: a.browsers.Companions(c.Request, alias),
		sent: queue.SentAt, now: a.clock().Unix(),
	}
	for _, text := range queue.Scans {
		d.read(text)
	}
	if err := a.reachable(c.Request.Context(), alias); err != nil {
		return err
	}
	if err := d.submit(c.Request.Context()); err != nil {
		a.failSubmit(c, err) // sending all of it again is safe
		return nil
	}
	d.results().send(c)
	return nil
}

// reachable says whether somebody who is about to be recorded could be told.
func (a *API) reachable(ctx context.Context, alias uuid.UUID) error {
	kept, err := a.kept(ctx, alias)
	if err != nil {
		a.logger.WarnContext(ctx, "not seen whether a citizen's number is kept", slog.Any("error", err))
	}
	if !kept {
		return citizen.ErrNotKept
	}
	return nil
}

// ownDelivery is the taking of one phone's queue.
type ownDelivery struct {
	api        *API
	alias      uuid.UUID
	mark       string
	companions []uuid.UUID
	sent       int64 // by the device's clock
	now        int64
	taps       []tap
}

// tap is one scan of the queue: what it submits, of whom, and what became of it.
type tap struct {
	id      uuid.UUID // uuid.Nil where none can be read
	sub     ingest.Submission
	with    []uuid.UUID // whose else it is
	refusal *errs.Error
	fresh   bool // somebody's was not there before
}

// read adds a scan of the queue.
func (d *ownDelivery) read(text json.RawMessage) {
	var s ownScan
	next := tap{refusal: errScan}
	if err := decodeStrictly(text, &s); err != nil {
		next.id, _ = uuid.Parse(readableID(text))
	} else {
		next = d.judge(s)
	}
	if next.refusal != nil {
		d.api.refused(next.refusal.Code)
	}
	d.taps = append(d.taps, next)
}

// judge reads what can be judged of a scan before its code.
func (d *ownDelivery) judge(s ownScan) tap {
	next := tap{id: s.ID}
	kind, known := kinds[s.Kind]
	switch {
	case s.Alias != nil:
		next.refusal = errAlias
	case s.ID == uuid.Nil:
		next.refusal = errScanID
	case !known:
		next.refusal = errScanKind
	case (kind == stay.Void) != (s.Voids != uuid.Nil):
		next.refusal = errVoids
	case s.Token == "":
		next.refusal = errNoScanToken
	case s.Whose != "" && s.Whose != d.mark:
		next.refusal = errOtherPerson
	}
	if next.refusal != nil {
		return next
	}
	var err error
	if next.sub, err = d.submission(s, kind); err == nil {
		next.with, err = d.with(s.With)
	}
	if err != nil {
		next.refusal = errs.Of(err)
	}
	return next
}

// submission returns what the scan submits of who has the phone, with its time corrected.
func (d *ownDelivery) submission(s ownScan, kind stay.Kind) (ingest.Submission, error) {
	at, skew, err := s.corrected(d.now, d.sent)
	if err != nil {
		return ingest.Submission{}, err
	}
	timed := s.ID
	if kind == stay.Void {
		timed = s.Voids
	}
	if made, known := scanTime(nil, timed); !known || made != s.At {
		return ingest.Submission{}, errIDTime
	}
	ago := time.Duration(d.now-at) * time.Second
	if kind == stay.Void && s.thought(ago) > citizen.UndoFor+citizen.UndoGrace {
		return ingest.Submission{}, citizen.ErrUndoLate
	}
	how := scan.Phone
	if ago > offlineAfter {
		how = how.Offline()
	}
	return ingest.Submission{ID: s.ID, Token: s.Token, Kind: kind, How: how, At: at, Skew: skew, Voids: s.Voids}, nil
}

// thought returns how long after its scan a void that arrives so long after it was made: as with every other time, by the phone's clock
// where that tells it, for a phone without a network can deliver neither.
func (s ownScan) thought(arrives time.Duration) time.Duration {
	if made, known := scanTime(nil, s.ID); known && made >= s.At {
		return time.Duration(made-s.At) * time.Second
	}
	return arrives
}

// with returns who else is there, each once.
func (d *ownDelivery) with(positions []int) ([]uuid.UUID, error) {
	var people []uuid.UUID
	for _, i := range positions {
		if i < 0 || i >= len(d.companions) {
			return nil, citizen.ErrCompanion
		}
		if !slices.Contains(people, d.companions[i]) {
			people = append(people, d.companions[i])
		}
	}
	return people, nil
}

// submit submits what is good, everybody's together and in order, and notes what became of each tap: it is refused where somebody's
// scan of it is.
func (d *ownDelivery) submit(ctx context.Context) error {
	var subs []ingest.Submission
	var position []int
	for i, t := range d.taps {
		if t.refusal != nil {
			continue
		}
		subs, position = append(subs, t.sub), append(position, i)
		for _, who := range t.with {
			sub := t.sub
			sub.Alias, sub.ID = who, citizen.CompanionScan(sub.ID, who)
			if sub.Voids != uuid.Nil {
				sub.Voids = citizen.CompanionScan(sub.Voids, who)
			}
			subs, position = append(subs, sub), append(position, i)
		}
	}
	if len(subs) == 0 {
		return nil
	}
	results, err := d.api.submit(ctx, d.alias, subs)
	if err != nil {
		return err
	}
	for k, result := range results {
		t := &d.taps[position[k]]
		t.fresh = t.fresh || result.Status == ingest.Accepted
		if result.Status == ingest.Refused {
			t.refusal = result.Err
		}
	}
	return nil
}

// results returns the answer.
func (d *ownDelivery) results() *results {
	r := newResults(len(d.taps))
	for _, t := range d.taps {
		switch {
		case t.refusal != nil:
			r.refused(t.id, t.id != uuid.Nil && !errors.Is(t.refusal, errScanID), t.refusal)
		case t.fresh:
			r.taken(t.id, ingest.Accepted)
		default:
			r.taken(t.id, ingest.Duplicate)
		}
	}
	return r
}
