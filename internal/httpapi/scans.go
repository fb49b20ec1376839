package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// The bounds of a batch.
const (
	MaxBatch     = 500
	maxBodyBytes = 1 << 20
)

// maxSubmitting is how many posts wait for the log at a time; whoever comes beyond that is told so at once. At a thousand
// posts a second, which is slow, none of them waits for longer than a second, and each may hold a batch of MaxBatch.
const maxSubmitting = 1000

// errBusy is the answer beyond maxSubmitting.
var errBusy = errs.Busy("too_busy", "Too many scans at this moment; keep them and send them again.", 2*time.Second)

// The reasons for refusing a batch, or one scan of it. Compare with errors.Is.
var (
	errMediaType   = errs.New(errs.Unsupported, "unsupported_media_type", "Send the scans as application/json.")
	errBody        = errs.New(errs.Invalid, "body_malformed", `The body is not of the form {"scans": [...]}.`)
	errBodyCut     = &errs.Error{Kind: errs.Timeout, Code: "body_incomplete", Message: "The body did not arrive whole; send it again.", RetryAfter: time.Second}
	errBodySize    = errs.New(errs.TooLarge, "body_too_large", "The body is larger than one megabyte.")
	errBatchSize   = errs.New(errs.TooLarge, "batch_too_large", "A batch holds at most 500 scans.")
	errBatchEmpty  = errs.New(errs.Invalid, "batch_empty", "The batch holds no scan.")
	errAlias       = errs.New(errs.Invalid, "alias_not_allowed", "Whose scan it is comes from the credential alone; send no alias.")
	errScan        = errs.New(errs.Invalid, "scan_malformed", "The scan is not an object of the documented form.")
	errScanID      = errs.New(errs.Invalid, "scan_id", "The scan's id is not a UUID.")
	errScanKind    = errs.New(errs.Invalid, "scan_kind", "The kind of scan is none of in, out, renew, void.")
	errScanHow     = errs.New(errs.Invalid, "scan_how", "A scan of one's own is by phone or phone_offline.")
	errNoScanTime  = errs.New(errs.Invalid, "scan_time_missing", "The scan says nowhere when it was: send at, or make the id a UUIDv7.")
	errNoScanToken = errs.New(errs.Invalid, "code_missing", "The scan has no token.")
)

// wireScan is one scan of a batch as clients send it.
type wireScan struct {
	ID     string          `json:"id"`
	Token  string          `json:"token"`
	Kind   string          `json:"kind"`
	How    string          `json:"how"`
	At     *int64          `json:"at"`
	Voids  *uuid.UUID      `json:"voids"`
	Device uint64          `json:"device"`
	Alias  json.RawMessage `json:"alias"`

	fault *errs.Error // why it cannot be read; ID is then what can be read of it
}

// postScans takes a batch. Each scan is judged by itself; the answer holds one result per scan, in order. Unlike a phone's queue it looks
// into no registry, and so not whether the citizen's number is kept: it is for as many scans as the log takes.
func (a *API) postScans(c *gin.Context) {
	alias, err := a.credential(c.Request)
	if err != nil {
		c.Header("WWW-Authenticate", "Bearer")
		Fail(c, a.logger, err)
		return
	}
	batch, err := readBatch(c.Writer, c.Request)
	if err != nil {
		Fail(c, a.logger, err)
		return
	}
	refusals := make([]*errs.Error, len(batch))
	subs := make([]ingest.Submission, 0, len(batch))
	for i := range batch {
		sub, refusal := batch[i].submission()
		if refusals[i] = refusal; refusal == nil {
			subs = append(subs, sub)
		}
	}
	answers, err := a.submit(c.Request.Context(), alias, subs)
	if err != nil {
		a.failSubmit(c, err)
		return
	}
	r := newResults(len(batch))
	for i, refusal := range refusals {
		if refusal != nil {
			a.refused(refusal.Code)
			id, err := uuid.Parse(batch[i].ID)
			r.refused(id, err == nil && !errors.Is(refusal, errScanID), refusal)
			continue
		}
		if answer := answers[0]; answer.Status == ingest.Refused {
			r.refused(answer.ID, true, answer.Err)
		} else {
			r.taken(answer.ID, answer.Status)
		}
		answers = answers[1:]
	}
	r.send(c)
}

// failSubmit answers that the log did not take the scans. Where it is merely too much, there is no line in the log for each.
func (a *API) failSubmit(c *gin.Context, err error) {
	if e := errs.Of(err); e.Kind == errs.Unavailable && e.Cause == nil {
		answer(c, e)
		return
	}
	Fail(c, a.logger, err)
}

// submit hands scans to the log, unless too many posts wait for it: then the error is errBusy.
func (a *API) submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	select {
	case a.submitting <- struct{}{}:
		defer func() { <-a.submitting }()
		return a.ingest.Submit(ctx, alias, subs)
	default:
		return nil, errBusy
	}
}

// credential returns whose scans a request brings: the alias of the bearer credential, or of the browser's cookie.
func (a *API) credential(r *http.Request) (uuid.UUID, error) {
	if scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return a.verify(text)
	}
	cookie, err := r.Cookie(a.cookieName)
	if err != nil {
		return uuid.Nil, errs.New(errs.Unauthenticated, "credential_missing", "Prove your phone number first.")
	}
	return a.verify(cookie.Value)
}

// readBatch takes the body apart into its scans. Those that cannot be read carry the reason.
func readBatch(w http.ResponseWriter, r *http.Request) ([]wireScan, error) {
	if header := r.Header.Get("Content-Type"); header != "application/json" {
		if media, _, err := mime.ParseMediaType(header); err != nil || media != "application/json" {
			return nil, errMediaType
		}
	}
	var body strings.Builder
	body.Grow(int(min(max(r.ContentLength, 0), trustedLength)))
	buffer := copyBuffers.Get().(*[4 << 10]byte)
	defer copyBuffers.Put(buffer)
	if _, err := io.CopyBuffer(&body, http.MaxBytesReader(w, r.Body, maxBodyBytes), buffer[:]); err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, errBodySize
		}
		if busy := new(errs.Error); errors.As(err, &busy) {
			return nil, busy
		}
		return nil, errBodyCut.Because(fmt.Errorf("reading the body: %w", err))
	}
	if batch, plain := plainBatch(body.String()); plain {
		return batch, nil
	}
	return decodeBatch([]byte(body.String()))
}

// trustedLength is how long a body may say it is and find the room made before it has come.
const trustedLength = 64 << 10

// copyBuffers are what bodies are read through.
var copyBuffers = sync.Pool{New: func() any { return new([4 << 10]byte) }}

// decodeBatch reads any batch.
func decodeBatch(body []byte) ([]wireScan, error) {
	var texts struct {
		Scans []json.RawMessage `json:"scans"`
		Alias json.RawMessage   `json:"alias"`
	}
	if err := decodeStrictly(body, &texts); err != nil {
		return nil, errBody
	}
	switch {
	case texts.Alias != nil:
		return nil, errAlias
	case len(texts.Scans) == 0:
		return nil, errBatchEmpty
	case len(texts.Scans) > MaxBatch:
		return nil, errBatchSize
	}
	batch := make([]wireScan, len(texts.Scans))
	for i, text := range texts.Scans {
		if err := decodeStrictly(text, &batch[i]); err != nil {
			batch[i] = wireScan{ID: readableID(text), fault: errScan}
		} else if batch[i].Alias != nil {
			batch[i] = wireScan{ID: readableID(text), fault: errAlias}
		}
	}
	return batch, nil
}

// submission returns what the scan submits, or why it is refused.
func (w *wireScan) submission() (ingest.Submission, *errs.Error) {
	if w.fault != nil {
		return ingest.Submission{}, w.fault
	}
	sub := ingest.Submission{Device: w.Device, Token: w.Token}
	var err error
	if sub.ID, err = uuid.Parse(w.ID); err != nil || len(w.ID) != 36 {
		return sub, errScanID
	}
	var known bool
	if sub.Kind, known = kinds[w.Kind]; !known {
		return sub, errScanKind
	}
	if sub.How, known = hows[w.How]; !known {
		return sub, errScanHow
	}
	if sub.At, known = scanTime(w.At, sub.ID); !known {
		return sub, errNoScanTime
	}
	if w.Token == "" {
		return sub, errNoScanToken
	}
	if len(w.Token) != qrgen.TokenLength { // else it can be no web address that holds one
		if sub.Token, err = qrgen.FromURL(w.Token); err != nil {
			return sub, ingest.CodeError(qrgen.ErrMalformed)
		}
	}
	if w.Voids != nil {
		sub.Voids = *w.Voids
	}
	if sub.Kind == stay.Void && sub.Voids != uuid.Nil {
		return sub, judgeVoid(sub)
	}
	return sub, nil
}

// judgeVoid says why a void is refused that comes later than somebody may take back a scan of their own: as of what a phone keeps, by
// the clock that made the ids, which is why that of the scan has to be a UUIDv7. Whoever wants more erased asks for it, and what a list
// holds stays.
func judgeVoid(void ingest.Submission) *errs.Error {
	scanned, known := scanTime(nil, void.Voids)
	if !known {
		return errIDTime
	}
	thought := void.At
	if made, known := scanTime(nil, void.ID); known {
		thought = max(thought, made)
	}
	if time.Duration(thought-scanned)*time.Second > citizen.UndoFor+citizen.UndoGrace {
		return citizen.ErrUndoLate
	}
	return nil
}

// scanTime returns when a scan was: what the client says, else when it made the id. The time of arrival would not do, since
// a scan that is sent again must be the same scan.
func scanTime(at *int64, id uuid.UUID) (int64, bool) {
	if at != nil {
		return *at, *at != 0
	}
	if id.Version() != 7 {
		return 0, false
	}
	seconds, _ := id.Time().UnixTime()
	return seconds, seconds != 0
}

var (
	kinds = map[string]stay.Kind{"": stay.In, "in": stay.In, "out": stay.Out, "renew": stay.Renew, "void": stay.Void}
	hows  = map[string]scan.How{"": scan.Phone, "phone": scan.Phone, "phone_offline": scan.PhoneOffline}
)

// readableID finds the id of a scan that is otherwise not readable; what is no UUID is not echoed.
func readableID(text []byte) string {
	var w struct {
		ID string `json:"id"`
	}
	// The scan may be anything, so a failure here only means that there is no id to name.
	_ = json.Unmarshal(text, &w)
	id, err := uuid.Parse(w.ID)
	if err != nil {
		return ""
	}
	return id.String()
}

// decodeStrictly reads exactly one JSON value without unknown fields.
func decodeStrictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the value")
	}
	return nil
}
