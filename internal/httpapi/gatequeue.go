package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/sealbox"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Boxes opens what gates keep for the server. Its errors are those of sealbox.Ring.
type Boxes interface {
	Open(bound sealbox.Bound, box []byte) (string, error)
	PublicJSON() []byte
}

const (
	gateQueuePath = "/api/v1/gate/queue"
	boxKeyPath    = "/.well-known/truyvet-box-key.json"

	// offlineAfter is how long after it was made a scan arrives that counts as kept while there was no network.
	offlineAfter = 30 * time.Second
	// codeGrace is how long after it ended a personal code is still taken from a gate's queue. The gate has judged it, by a clock
	// that is corrected as well as can be.
	codeGrace = time.Minute
)

// The reasons for refusing a gate's queue, or one scan of it.
var (
	errGateRole   = errs.New(errs.Forbidden, "role_may_not", "The account may not do this.")
	errSent       = errs.New(errs.Invalid, "sent_at_missing", "The queue does not say what time the device has.")
	errBox        = errs.New(errs.Invalid, "box_damaged", "What was presented cannot be opened: it is damaged, or belongs to another scan.")
	errOtherPlace = errs.New(errs.Conflict, "gate_moved", "These scans were kept at another place than the one that this device is the gate of now.")
	errBoxKey     = errs.New(errs.Gone, "box_key_gone", "What was presented was sealed with a key that is not kept any more.")
)

// gateQueue is what a gate has kept, in order, while it stood at Place; where that is not said, it is where it stands now.
type gateQueue struct {
	SentAt int64             `json:"sent_at"`
	Place  uuid.UUID         `json:"place"`
	Scans  []json.RawMessage `json:"scans"` // each a queuedScan
}

// queuedScan is one scan of a gate's queue. Token is the code of the place inside the gate's own where it was; empty at the gate's own.
type queuedScan struct {
	ID    uuid.UUID `json:"id"`
	Kind  string    `json:"kind"`
	Voids uuid.UUID `json:"voids"`
	Token string    `json:"token"`
	Box   []byte    `json:"box"`
	deviceTime
}

// postGateQueue takes what a gate has kept. Each scan is judged by itself, and the good ones are recorded together and in order; the
// answer holds one result per scan. What is accepted or a duplicate is durable.
func (a *API) postGateQueue(c *gin.Context) error {
	gate, err := a.gateOrSession(c)
	if err != nil {
		return err
	}
	var queue gateQueue
	if err := readJSON(c.Writer, c.Request, &queue); err != nil {
		return err
	}
	now := a.clock().Unix() // by which the device's clock is judged: what is waited for below must not count
	switch {
	case len(queue.Scans) == 0:
		return errBatchEmpty
	case len(queue.Scans) > MaxBatch:
		return errBatchSize
	case !sentAt(queue.SentAt):
		return errSent
	case queue.Place != uuid.Nil && queue.Place != gate.Place:
		return errOtherPlace
	}
	if err := a.paceGate(gate.ID, len(queue.Scans)); err != nil {
		return err
	}
	name, known := a.places.Name(gate.Place)
	if !known {
		return registry.ErrNotFound
	}
	if name.Kind == qrgen.KindVehicle { // what its driver did before may have been told to another server, a moment ago
		if err := a.drivers.Refresh(c.Request.Context()); err != nil {
			return err
		}
	}
	d := delivery{api: a, place: gate.Place, sent: queue.SentAt, now: now}
	for _, text := range queue.Scans {
		if err := d.take(text); err != nil {
			return err
		}
	}
	answers, err := d.record(c.Request.Context())
	if err != nil {
		a.failSubmit(c, err) // sending all of it again is safe
		return nil
	}
	d.results(answers, d.declared(c.Request.Context())).send(c)
	return nil
}

// delivery is the taking of one queue.
type delivery struct {
	api      *API
	place    uuid.UUID // of the gate
	sent     int64     // by the device's clock
	now      int64
	ids      []uuid.UUID   // of each scan; uuid.Nil where none can be read
	refusals []*errs.Error // of each scan, nil where it goes on
	subs     []ingest.Submission
	visitors []citizen.Visitor
}

// take adds one scan to those that are to be recorded, or notes what is wrong with it; an error is one of the server's. One that cannot
// be read is refused by itself: it would else keep all that the gate has from being delivered, for ever.
func (d *delivery) take(text json.RawMessage) error {
	var s queuedScan
	if decodeStrictly(text, &s) != nil {
		id, _ := uuid.Parse(readableID(text))
		d.refuse(id, errScan)
		return nil
	}
	sub, who, err := d.read(s)
	if err == nil {
		d.ids, d.refusals = append(d.ids, s.ID), append(d.refusals, nil)
		d.subs = append(d.subs, sub)
		if sub.Kind != stay.Void {
			d.visitors = append(d.visitors, who)
		}
		return nil
	}
	switch e := errs.Of(err); e.Kind {
	case errs.Internal, errs.Unavailable, errs.TooMany, errs.Timeout:
		return err
	default:
		d.refuse(s.ID, e)
		return nil
	}
}

// refuse notes why the next scan is not recorded.
func (d *delivery) refuse(id uuid.UUID, why *errs.Error) {
	d.api.refused(why.Code)
	d.ids, d.refusals = append(d.ids, id), append(d.refusals, why)
}

// read judges the time of a scan and opens what was presented.
func (d *delivery) read(s queuedScan) (sub ingest.Submission, who citizen.Visitor, err error) {
	if sub, err = s.submission(d.now, d.sent); err != nil {
		return sub, who, err
	}
	if refusal := d.api.ingest.Timely(sub.At); refusal != nil {
		return sub, who, refusal
	}
	if s.Token != "" {
		if sub.Token, _, err = d.api.inside(d.place, s.Token, time.Unix(sub.At, 0)); err != nil {
			return sub, who, err
		}
	}
	bound := sealbox.Bound{Place: d.place, Scan: s.ID}
	if sub.Kind == stay.Void {
		bound.Scan = s.Voids // a void presents again what its scan did
	}
	presented, err := d.api.boxes.Open(bound, s.Box)
	switch {
	case errors.Is(err, sealbox.ErrUnknownKey):
		return sub, who, errBoxKey
	case err != nil:
		return sub, who, errBox
	}
	if who, err = d.api.reception.Read(presented, time.Unix(sub.At, 0).Add(-codeGrace)); err != nil {
		return sub, who, err
	}
	sub.Gate, sub.Alias, sub.How = d.place, who.Alias, who.How
	if time.Duration(d.now-sub.At)*time.Second > offlineAfter {
		sub.How = sub.How.Offline()
	}
	return sub, who, nil
}

// record keeps the visitors and submits the scans.
func (d *delivery) record(ctx context.Context) ([]ingest.Result, error) {
	if len(d.subs) == 0 {
		return nil, nil
	}
	if err := d.api.reception.Keep(ctx, d.visitors...); err != nil {
		return nil, err
	}
	return d.api.submit(ctx, uuid.Nil, d.subs)
}

// declared says how it stands with the declarations of those who came just now, by their aliases: the guard has them before their eyes.
func (d *delivery) declared(ctx context.Context) map[uuid.UUID]declaration.State {
	var here []uuid.UUID
	for _, sub := range d.subs {
		if sub.Kind == stay.In && d.now-sub.At <= int64(offlineAfter/time.Second) {
			here = append(here, sub.Alias)
		}
	}
	states := make(map[uuid.UUID]declaration.State, len(here))
	for i, state := range d.api.declaredAt(ctx, d.place, here...) {
		states[here[i]] = state
	}
	return states
}

// results is the answer: of each scan its refusal, or the next of the answers to those that were submitted.
func (d *delivery) results(answers []ingest.Result, declared map[uuid.UUID]declaration.State) *results {
	r := newResults(len(d.ids))
	subs := d.subs
	for i, refusal := range d.refusals {
		id := d.ids[i]
		if refusal == nil {
			switch {
			case answers[0].Status == ingest.Refused:
				refusal = answers[0].Err
			case subs[0].Kind == stay.In:
				r.received(id, answers[0].Status, declared[subs[0].Alias])
			default:
				r.taken(id, answers[0].Status)
			}
			answers, subs = answers[1:], subs[1:]
		}
		if refusal != nil {
			r.refused(id, id != uuid.Nil, refusal)
		}
	}
	return r
}

// submission returns what the scan submits but for whose it is and where, with its time corrected by how far the device's clock is
// from the server's.
func (s queuedScan) submission(now, sent int64) (ingest.Submission, error) {
	kind, known := kinds[s.Kind]
	switch {
	case s.ID == uuid.Nil:
		return ingest.Submission{}, errScanID
	case !known:
		return ingest.Submission{}, errScanKind
	case (kind == stay.Void) != (s.Voids != uuid.Nil), kind == stay.Void && s.Token != "":
		return ingest.Submission{}, errVoids
	}
	at, skew, err := s.corrected(now, sent)
	return ingest.Submission{ID: s.ID, Kind: kind, Voids: s.Voids, At: at, Skew: skew}, err
}

// gateOrSession returns the gate whose key a request has, or that is logged in, in the request's session.
func (a *API) gateOrSession(c *gin.Context) (registry.Account, error) {
	if c.GetHeader("Authorization") != "" {
		return a.gateOf(c)
	}
	gate, err := a.actor(c.Request.Context())
	if err == nil && !account.May(gate.Role, account.ActGateScan) {
		err = errGateRole
	}
	return gate, err
}

// getBoxKey answers the key that gates close boxes with.
func (a *API) getBoxKey(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/json; charset=utf-8", a.boxes.PublicJSON())
}
