// Package ingest turns what a client sends into accepted scans: it verifies the code, judges the time, and appends to the
// scan log. No registry query stands on this way.
package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// How a scan's time is judged.
const (
	// FutureTolerance is how far a scan's time may lie after the server's: clocks of phones differ.
	FutureTolerance = 5 * time.Minute
	// LateAfter is how long after the end of its code a scan may arrive without being flagged late.
	LateAfter = 10 * time.Minute
)

// Submission is one scan as a client sends it, but for Alias and Gate, which come from credentials alone. What was scanned
// comes from the token, or at a gate without one from the gate's credential; on which trip a vehicle was, from its driver.
//
// At 0 stands for the time of arrival, so the same submission sent again in another second is another scan under the same
// id, an ErrConflict. Whoever may have to send again says when the scan was.
type Submission struct {
	ID     uuid.UUID // made by the client
	Alias  uuid.UUID // whose scan it is; uuid.Nil = of whoever submits
	Token  string    // of the code that was read, in any case, as qrgen.FromURL gives it
	Gate   uuid.UUID // the place of the gate that made the scan, and what was scanned where there is no token
	Kind   stay.Kind
	How    scan.How
	At     int64     // UTC seconds, skew corrected; 0 = now
	Skew   int32     // seconds by which At was corrected
	Voids  uuid.UUID // in a void: the id of the scan that it takes back
	Device uint64    // a number that names the device; 0 = unknown
}

// Status is the answer to one submission.
type Status string

// The answers. A submission that is Accepted or Duplicate is durable.
const (
	Accepted  Status = "accepted"
	Duplicate Status = "duplicate"
	Refused   Status = "refused"
)

// Result is the answer to one submission.
type Result struct {
	ID     uuid.UUID // the submission's
	Status Status
	Err    *errs.Error // why it was refused; else nil
	At     int64       // the instant that it was judged by, UTC seconds
	Token  qrgen.Token // what the code says; of a gate without one the place alone; the zero Token where it was not looked at or is not authentic
}

// The reasons for refusing a submission besides those of its code and of scan.Validate. Compare with errors.Is.
var (
	ErrFuture   = errs.New(errs.Invalid, "scan_time_future", "The scan's time is more than five minutes in the future.")
	ErrTooOld   = errs.New(errs.Invalid, "scan_time_too_old", "The scan is older than scans are kept.")
	ErrConflict = errs.New(errs.Conflict, "id_conflict", "Another scan was already sent under this id.")
)

// codeErrors holds the safe face of every refusal of a code.
var codeErrors = map[qrgen.Refusal]*errs.Error{
	qrgen.ErrMalformed:      errs.New(errs.Invalid, "code_malformed", "This is not a code of ours, or a part of it is missing."),
	qrgen.ErrUnknownVersion: errs.New(errs.Invalid, "code_unknown_version", "The code is of a version that is not known here."),
	qrgen.ErrUnknownKey:     errs.New(errs.Invalid, "code_unknown_key", "The code was signed with a key that is not known here."),
	qrgen.ErrCompromisedKey: errs.New(errs.Gone, "code_compromised_key", "The code was signed with a key that is no longer trusted."),
	qrgen.ErrBadSignature:   errs.New(errs.Invalid, "code_bad_signature", "The code's signature is wrong: it is damaged or forged."),
	qrgen.ErrIssuedInFuture: errs.New(errs.Invalid, "code_issued_in_future", "The code was issued after the time of the scan."),
	qrgen.ErrExpired:        errs.New(errs.Gone, "code_expired", "The code had expired at the time of the scan."),
	qrgen.ErrRevoked:        errs.New(errs.Gone, "code_revoked", "The code was taken back or replaced by its owner."),
}

// CodeError returns the safe face of an error of Ingest.Verify or qrgen.KeySet.Verify, which must not be nil.
func CodeError(err error) *errs.Error {
	if e, ok := codeErrors[qrgen.Refusal(qrgen.CodeOf(err))]; ok {
		return e.Because(err)
	}
	return errs.Of(err)
}

// Closed says whether a place is closed at an instant, UTC seconds, as far as its hours are known.
type Closed func(place uuid.UUID, at int64) bool

// Trips returns the trip that a vehicle was on at an instant, UTC seconds, as far as its trips are known; uuid.Nil for none.
type Trips func(vehicle uuid.UUID, at int64) uuid.UUID

// Config is what an Ingest needs.
type Config struct {
	Keys *qrgen.KeySet
	Log  scanlog.Log
	// Ends returns from when on a serial of a place's code is dead, in UTC seconds; 0 where it does not end. It is asked with
	// every scan, concurrently.
	Ends      func(place uuid.UUID, serial uint32) int64
	Closed    Closed        // asked with every good scan, concurrently; may be nil
	Trips     Trips         // asked with every good scan at a vehicle or a gate, concurrently; may be nil
	Retention time.Duration // how long scans are kept: an older one is refused
	Clock     func() time.Time
}

// Ingest takes submissions. It is safe for concurrent use.
type Ingest struct {
	codes     *codeCache
	ends      func(uuid.UUID, uint32) int64
	log       scanlog.Log
	closed    Closed
	trips     Trips
	retention time.Duration
	clock     func() time.Time
}

// New returns an Ingest.
func New(c Config) *Ingest {
	if c.Closed == nil {
		c.Closed = func(uuid.UUID, int64) bool { return false }
	}
	if c.Trips == nil {
		c.Trips = func(uuid.UUID, int64) uuid.UUID { return uuid.Nil }
	}
	return &Ingest{
		codes: newCodeCache(c.Keys), ends: c.Ends, log: c.Log, closed: c.Closed, trips: c.Trips, retention: c.Retention, clock: c.Clock,
	}
}

// Submit judges each submission by itself and appends the good ones together, those that do not say whose they are for the alias.
// It answers one result per submission, in order. The results are the caller's.
//
// A code is judged at the scan's own time: one that had expired or was revoked by then is refused, while one that ended since is
// good, and the scan is flagged late if it arrives more than LateAfter later. A scan at a place that was closed at its time is
// flagged too, by the hours that are known when it arrives. One at a vehicle is of the trip that was under way at its time, likewise.
//
// An error means that the log could not take them: nothing was promised, not even of those that would have been refused,
// and sending all of them again is safe. It is, or wraps, one of package scanlog or of ctx.
func (g *Ingest) Submit(ctx context.Context, alias uuid.UUID, subs []Submission) ([]Result, error) {
	now := g.clock().Truncate(time.Second) // an instant is a whole second, here as in what is stored
	results := make([]Result, len(subs))
	scans := make([]scan.Scan, 0, len(subs))
	position := make([]int, 0, len(subs))
	for i, sub := range subs {
		s, token, refusal := g.judge(alias, sub, now)
		results[i] = Result{ID: sub.ID, At: s.At, Token: token}
		if refusal != nil {
			results[i].Status, results[i].Err = Refused, refusal
			continue
		}
		scans = append(scans, s)
		position = append(position, i)
	}
	if len(scans) == 0 {
		return results, nil
	}
	outcomes, err := g.log.Append(ctx, scans)
	if err != nil {
		return nil, fmt.Errorf("appending %d scans: %w", len(scans), err)
	}
	for k, outcome := range outcomes {
		r := &results[position[k]]
		switch outcome {
		case scanlog.Accepted:
			r.Status = Accepted
		case scanlog.Duplicate:
			r.Status = Duplicate
		default:
			r.Status, r.Err = Refused, ErrConflict
		}
	}
	return results, nil
}

// judge makes the scan of a submission, or says why it is refused.
func (g *Ingest) judge(alias uuid.UUID, sub Submission, now time.Time) (scan.Scan, qrgen.Token, *errs.Error) {
	if sub.Alias != uuid.Nil {
		alias = sub.Alias
	}
	at := sub.At
	if at == 0 {
		at = now.Unix()
	}
	s := scan.Scan{
		ID: sub.ID, Alias: alias, At: at, ReceivedAt: now.Unix(),
		Kind: sub.Kind, How: sub.How, Device: sub.Device, Skew: sub.Skew, Voids: sub.Voids,
	}
	if refusal := g.judgeTime(at, now); refusal != nil {
		return s, qrgen.Token{}, refusal
	}
	token, ends, err := g.place(sub, time.Unix(at, 0))
	if err != nil {
		return s, token, CodeError(err)
	}
	s.Place, s.Serial = token.Place, token.Serial
	if ends != 0 && now.Unix() > ends+int64(LateAfter/time.Second) {
		s.Flags |= stay.Late
	}
	if err := s.Validate(); err != nil {
		return s, token, errs.Of(err)
	}
	if s.Kind == stay.Void {
		return s, token, nil
	}
	if g.closed(s.Place, s.At) {
		s.Flags |= stay.OutOfHours
	}
	if token.Kind == qrgen.KindVehicle || sub.Gate != uuid.Nil { // a gate does not say at what kind of place it stands
		s.Trip = g.trips(s.Place, s.At)
	}
	return s, token, nil
}

// Timely says why a scan of a time, UTC seconds, is refused whatever else it says; nil where it is not. Ask it before anything is
// kept of whoever made the scan.
func (g *Ingest) Timely(at int64) *errs.Error { return g.judgeTime(at, g.clock()) }

func (g *Ingest) judgeTime(at int64, now time.Time) *errs.Error {
	switch {
	case at > now.Add(FutureTolerance).Unix():
		return ErrFuture
	case at < now.Add(-g.retention).Unix():
		return ErrTooOld
	}
	return nil
}

// place returns what the code of a submission says, and when the code ends as verify does. A gate needs no code: it stays where it is
// while its place's is issued anew.
func (g *Ingest) place(sub Submission, at time.Time) (token qrgen.Token, ends int64, err error) {
	if sub.Gate != uuid.Nil && sub.Token == "" {
		return qrgen.Token{Place: sub.Gate}, 0, nil
	}
	return g.verify(sub.Token, at)
}

// Verify judges a code that is read at the given time, as Submit would. Its answers are those of qrgen.KeySet.Verify: CodeError
// gives their safe face.
func (g *Ingest) Verify(text string, at time.Time) (qrgen.Token, error) {
	token, _, err := g.verify(text, at)
	return token, err
}

// verify is Verify, and returns when the code ends, in UTC seconds; 0 where it does not.
func (g *Ingest) verify(text string, at time.Time) (token qrgen.Token, ends int64, err error) {
	if token, err = g.codes.verify(text, at); err != nil {
		return token, 0, err
	}
	if ends = g.ends(token.Place, token.Serial); ends != 0 && at.Unix() >= ends {
		return token, ends, qrgen.ErrRevoked
	}
	if expires := token.ExpiresAt; !expires.IsZero() && (ends == 0 || expires.Unix() < ends) {
		ends = expires.Unix()
	}
	return token, ends, nil
}
