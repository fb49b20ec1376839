package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

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
}

// wireResult is the answer to one scan.
type wireResult struct {
	ID      string        `json:"id"`
	Status  ingest.Status `json:"status"`
	Code    string        `json:"code,omitempty"`
	Message string        `json:"message,omitempty"`
}

// postScans takes a batch. Each scan is judged by itself; the answer holds one result per scan, in order.
func (a *API) postScans(c *gin.Context) {
	alias, err := a.credential(c.Request)
	if err != nil {
		c.Header("WWW-Authenticate", "Bearer")
		Fail(c, a.logger, err)
		return
	}
	raw, err := readBatch(c.Writer, c.Request)
	if err != nil {
		Fail(c, a.logger, err)
		return
	}
	results := make([]wireResult, len(raw))
	subs := make([]ingest.Submission, 0, len(raw))
	position := make([]int, 0, len(raw))
	for i, text := range raw {
		id, sub, refusal := parseScan(text)
		if refusal != nil {
			results[i] = refused(id, refusal)
			continue
		}
		subs = append(subs, sub)
		position = append(position, i)
	}
	answers, err := a.ingest.Submit(c.Request.Context(), alias, subs)
	if err != nil {
		Fail(c, a.logger, err)
		return
	}
	for k, answer := range answers {
		id := answer.ID.String()
		if answer.Status == ingest.Refused {
			results[position[k]] = refused(id, answer.Err)
			continue
		}
		results[position[k]] = wireResult{ID: id, Status: answer.Status}
	}
	c.JSON(http.StatusOK, gin.H{"results": results})
}

func refused(id string, e *errs.Error) wireResult {
	return wireResult{ID: id, Status: ingest.Refused, Code: e.Code, Message: e.Message}
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

// readBatch takes the body apart into the texts of its scans.
func readBatch(w http.ResponseWriter, r *http.Request) ([]json.RawMessage, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, errMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, errBodySize
		}
		return nil, errBodyCut.Because(fmt.Errorf("reading the body: %w", err))
	}
	var batch struct {
		Scans []json.RawMessage `json:"scans"`
		Alias json.RawMessage   `json:"alias"`
	}
	if err := decodeStrictly(body, &batch); err != nil {
		return nil, errBody
	}
	switch {
	case batch.Alias != nil:
		return nil, errAlias
	case len(batch.Scans) == 0:
		return nil, errBatchEmpty
	case len(batch.Scans) > MaxBatch:
		return nil, errBatchSize
	}
	return batch.Scans, nil
}

// parseScan reads one scan of a batch. The id is returned as far as it can be read, so that the refusal can name it.
func parseScan(text []byte) (string, ingest.Submission, *errs.Error) {
	var w wireScan
	if err := decodeStrictly(text, &w); err != nil {
		return readableID(text), ingest.Submission{}, errScan
	}
	if w.Alias != nil {
		return readableID(text), ingest.Submission{}, errAlias
	}
	sub := ingest.Submission{Device: w.Device}
	var err error
	if sub.ID, err = uuid.Parse(w.ID); err != nil || len(w.ID) != 36 {
		return "", sub, errScanID
	}
	id := sub.ID.String()
	var known bool
	if sub.Kind, known = kinds[w.Kind]; !known {
		return id, sub, errScanKind
	}
	if sub.How, known = hows[w.How]; !known {
		return id, sub, errScanHow
	}
	if sub.At, known = scanTime(w.At, sub.ID); !known {
		return id, sub, errNoScanTime
	}
	if w.Token == "" {
		return id, sub, errNoScanToken
	}
	if sub.Token, err = qrgen.FromURL(w.Token); err != nil {
		return id, sub, ingest.CodeError(qrgen.ErrMalformed)
	}
	if w.Voids != nil {
		sub.Voids = *w.Voids
	}
	return id, sub, nil
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
