package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Relieved answers posts of scans with 503 while too many wait for the log, or, while Watch looks, wait too long until they are read,
// and has next answer everything else. It looks at nothing of a post but its head, for a fraction of what taking it costs: so that
// twice of what the server can do leaves it most of its time for what it takes. The server passes over the body, so that the
// connection serves the next request. Answered is told of each that it answers, as Logging.Answered; there is no line in the log for
// them, as there is none for scans that are to come again, and so no id of the request.
func (a *API) Relieved(answered func(route, face, status string, took time.Duration), next http.Handler) http.Handler {
	body, _ := json.Marshal(problemOf(errBusy)) // numbers and strings always can be
	wait := []string{strconv.Itoa(errBusy.RetrySeconds())}
	length := []string{strconv.Itoa(len(body))}
	status := strconv.Itoa(http.StatusServiceUnavailable)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != scansPath || len(a.submitting) < cap(a.submitting) && !a.strain.turnsAway() {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		secure(h)
		h["Content-Type"], h["Content-Length"], h["Retry-After"] = problemType, length, wait
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(body) // it fails only where nobody is there any more
		answered(scansPath, faceOf(scansPath), status, 0)
	})
}
