package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/sealbox"
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
	errGateRole = errs.New(errs.Forbidden, "role_may_not", "The account may not do this.")
	errSent     = errs.New(errs.Invalid, "sent_at_missing", "The queue does not say what time the device has.")
	errBox      = errs.New(errs.Invalid, "box_damaged", "What was presented cannot be opened: it is damaged, or belongs to another scan.")
	errBoxKey   = errs.New(errs.Gone, "box_key_gone", "What was presented was sealed with a key that is not kept any more.")
)

// gateQueue is what a gate has kept, in order.
type gateQueue struct {
	SentAt int64        `json:"sent_at"`
	Scans  []queuedScan `json:"scans"`
}

// queuedScan is one scan of a gate's queue.
type queuedScan struct {
	ID    uuid.UUID `json:"id"`
	Kind  string    `json:"kind"`
	Voids uuid.UUID `json:"voids"`
	Box   []byte    `json:"box"`
	deviceTime
}

// postGateQueue takes what a gate has kept. Each scan is judged by itself and in order; the answer holds one result per scan. What
// is accepted or a duplicate is durable.
func (a *API) postGateQueue(c *gin.Context) error {
	gate, err := a.gateOrSession(c)
	if err != nil {
		return err
	}
	var queue gateQueue
	if err := readJSON(c.Writer, c.Request, &queue); err != nil {
		return err
	}
	switch {
	case len(queue.Scans) == 0:
		return errBatchEmpty
	case len(queue.Scans) > MaxBatch:
		return errBatchSize
	case !sentAt(queue.SentAt):
		return errSent
	}
	if err := a.paceGate(gate, len(queue.Scans)); err != nil {
		return err
	}
	if !a.knowPlace(gate.Place) {
		return registry.ErrNotFound
	}
	d := delivery{api: a, place: gate.Place, sent: queue.SentAt, now: a.clock().Unix()}
	r := newResults(len(queue.Scans))
	for _, s := range queue.Scans {
		result, err := d.take(c.Request.Context(), s)
		if err != nil {
			a.failSubmit(c, err) // what was taken before is taken; sending all of it again is safe
			return nil
		}
		if result.Status == ingest.Refused {
			r.refused(s.ID, s.ID != uuid.Nil, result.Err)
		} else {
			r.taken(s.ID, result.Status)
		}
	}
	r.send(c)
	return nil
}

// delivery is the taking of one queue.
type delivery struct {
	api   *API
	place uuid.UUID // of the gate
	sent  int64     // by the device's clock
	now   int64
}

// take records one scan. What is wrong with the scan itself is in the result; an error is one of the server's.
func (d delivery) take(ctx context.Context, s queuedScan) (ingest.Result, error) {
	result, err := d.record(ctx, s)
	if err == nil {
		return result, nil
	}
	switch e := errs.Of(err); e.Kind {
	case errs.Internal, errs.Unavailable, errs.TooMany, errs.Timeout:
		return ingest.Result{}, err
	default:
		d.api.refused(e.Code)
		return ingest.Result{ID: s.ID, Status: ingest.Refused, Err: e}, nil
	}
}

// record opens what was presented and submits the scan.
func (d delivery) record(ctx context.Context, s queuedScan) (ingest.Result, error) {
	sub, err := s.submission(d.now, d.sent)
	if err != nil {
		return ingest.Result{}, err
	}
	bound := sealbox.Bound{Place: d.place, Scan: s.ID}
	if sub.Kind == stay.Void {
		bound.Scan = s.Voids // a void presents again what its scan did
	}
	presented, err := d.api.boxes.Open(bound, s.Box)
	switch {
	case errors.Is(err, sealbox.ErrUnknownKey):
		return ingest.Result{}, errBoxKey
	case err != nil:
		return ingest.Result{}, errBox
	}
	who, err := d.api.reception.Receive(ctx, presented, time.Unix(sub.At, 0).Add(-codeGrace))
	if err != nil {
		return ingest.Result{}, err
	}
	sub.Gate, sub.How = d.place, who.How
	if time.Duration(d.now-sub.At)*time.Second > offlineAfter {
		sub.How = sub.How.Offline()
	}
	results, err := d.api.submit(ctx, who.Alias, []ingest.Submission{sub})
	if err != nil {
		return ingest.Result{}, err
	}
	return results[0], nil
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
	case (kind == stay.Void) != (s.Voids != uuid.Nil):
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

// paceGate counts n more scans of a gate. The error says how long to wait.
func (a *API) paceGate(gate registry.Account, n int) error {
	wait := a.perGate.Take(gate.ID[:], n)
	if wait == 0 {
		return nil
	}
	limited := *errGateLimit
	limited.RetryAfter = max(wait, time.Second)
	return &limited
}

// getBoxKey answers the key that gates close boxes with.
func (a *API) getBoxKey(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/json; charset=utf-8", a.boxes.PublicJSON())
}
