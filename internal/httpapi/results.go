package httpapi

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
)

// results is the body of the answer to a batch while it is written: {"results":[...]}, each with id and status, and of a
// refused scan the code and the message.
type results struct{ text []byte }

// newResults begins the answer to n scans.
func newResults(n int) *results {
	r := &results{text: make([]byte, 0, 16+72*n)}
	r.text = append(r.text, `{"results":[`...)
	return r
}

// begin begins the result of a scan. What cannot be read as an id is not echoed.
func (r *results) begin(id uuid.UUID, known bool, status ingest.Status) {
	if r.text[len(r.text)-1] != '[' {
		r.text = append(r.text, ',')
	}
	r.text = append(r.text, `{"id":"`...)
	if known {
		for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
			if i > 0 {
				r.text = append(r.text, '-')
			}
			r.text = hex.AppendEncode(r.text, part)
		}
	}
	r.text = append(r.text, `","status":"`...)
	r.text = append(r.text, status...)
	r.text = append(r.text, '"')
}

// taken adds a scan that the log has.
func (r *results) taken(id uuid.UUID, status ingest.Status) {
	r.received(id, status, declaration.NotAsked)
}

// received adds a scan that the log has, of somebody whose declaration stands so.
func (r *results) received(id uuid.UUID, status ingest.Status, declared declaration.State) {
	r.begin(id, true, status)
	if declared != declaration.NotAsked {
		r.text = append(r.text, `,"declaration":"`+declared+`"`...)
	}
	r.text = append(r.text, '}')
}

// refused adds a scan that is refused.
func (r *results) refused(id uuid.UUID, known bool, e *errs.Error) {
	r.begin(id, known, ingest.Refused)
	for _, field := range [][2]string{{"code", e.Code}, {"message", e.Message}} {
		value, _ := json.Marshal(field[1]) // a string always can be
		r.text = append(r.text, `,"`+field[0]+`":`...)
		r.text = append(r.text, value...)
	}
	r.text = append(r.text, '}')
}

// jsonType is the type of the answer, as a header holds it.
var jsonType = []string{"application/json; charset=utf-8"}

// send answers with the status 200.
func (r *results) send(c *gin.Context) {
	r.text = append(r.text, `]}`...)
	h := c.Writer.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(r.text))} // or a long answer would go out in chunks
	_, _ = c.Writer.Write(r.text)                             // it fails only where nobody is there any more
}
