package app

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/telemetry"
)

// The bounds on what a server holds at the same time. With the queue of the scan log they bound its memory.
const (
	maxConnections = 10_000
	maxBodies      = 64 << 20 // bytes of the bodies that are being read and judged; judging takes about four times as much
)

// checksPerAddress is how often an address may ask whether a poster is genuine: a household never notices, and who tries codes
// out does.
var checksPerAddress = ratelimit.Rule{Burst: 60, Every: 2 * time.Second}

// scansPerGate is more than any door lets through, at once as many as one that had no network for a day may have kept, and little
// to whoever took its key.
var scansPerGate = ratelimit.Rule{Burst: 3000, Every: 200 * time.Millisecond}

// The answers of the limits.
var (
	errGateLimit    = &errs.Error{Kind: errs.TooMany, Code: "gate_limit", Message: "Too many scans at this gate; send them more slowly."}
	errCheckLimit   = &errs.Error{Kind: errs.TooMany, Code: "check_limit", Message: "Too many codes were checked from this network; wait a little."}
	errDeviceLimit  = &errs.Error{Kind: errs.TooMany, Code: "device_limit", Message: "Too many scans from this device; keep them and send them later."}
	errAddressLimit = &errs.Error{Kind: errs.TooMany, Code: "address_limit", Message: "Too much is sent from this network; keep the scans and send them later."}
	errBodies       = errs.Busy("server_busy", "Too much is being sent at this moment; keep the scans and send them again.", 2*time.Second)
)

// until returns a limit's answer with the time to wait.
func until(e *errs.Error, wait time.Duration) *errs.Error {
	with := *e
	with.RetryAfter = wait
	return &with
}

// limits are what one sender may have of a server.
type limits struct {
	metrics *telemetry.Metrics
	device  *ratelimit.Many // nil = no limit
	address *ratelimit.Many // nil = no limit
	checks  *ratelimit.Many
	gates   *ratelimit.Many
	bodies  *semaphore.Weighted
}

// newLimits makes the limits: so many scans a minute of one device and five minutes' worth at once, and so many sendings a
// minute of one address and a minute's worth at once; 0 is none.
func newLimits(device, address int, metrics *telemetry.Metrics, clock func() time.Time) *limits {
	l := &limits{
		metrics: metrics, checks: ratelimit.NewMany(checksPerAddress, clock), gates: ratelimit.NewMany(scansPerGate, clock),
		bodies: semaphore.NewWeighted(maxBodies),
	}
	if device > 0 {
		l.device = ratelimit.NewMany(ratelimit.Rule{Burst: 5 * device, Every: time.Minute / time.Duration(device)}, clock)
	}
	if address > 0 {
		l.address = ratelimit.NewMany(ratelimit.Rule{Burst: address, Every: time.Minute / time.Duration(address)}, clock)
	}
	return l
}

// gate counts n more scans of a gate, whichever way they come. The error says how long to wait.
func (l *limits) gate(gate uuid.UUID, n int) error {
	wait := l.gates.Take(gate[:], n)
	if wait == 0 {
		return nil
	}
	l.metrics.Limited("gate")
	return until(errGateLimit, max(wait, time.Second))
}

// limitedIngest holds each alias to the limit of a device. What identifies a device is the credential that it holds: the
// number that it gives itself could be any. What a gate sends is not counted: it has a limit of its own, and somebody who scans
// without end must not keep all that it sends after them waiting.
type limitedIngest struct {
	telemetry.Ingest
	limits *limits
}

// Submit is that of the ingest inside, or errDeviceLimit.
func (l *limitedIngest) Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	own := 0
	for i := range subs {
		if subs[i].Gate == uuid.Nil {
			own++
		}
	}
	if l.limits.device != nil && own > 0 {
		if wait := l.limits.device.Take(alias[:], own); wait > 0 {
			l.limits.metrics.Limited("device")
			return nil, until(errDeviceLimit, wait)
		}
	}
	return l.Ingest.Submit(ctx, alias, subs)
}

// guard is the limits on requests: how often an address sends, and how much is being read at the same time.
func (l *limits) guard(fail func(*gin.Context, error)) gin.HandlerFunc {
	refuse := func(c *gin.Context, limit string, e *errs.Error, wait time.Duration) {
		l.metrics.Limited(limit)
		fail(c, until(e, wait))
		c.Abort()
	}
	return func(c *gin.Context) {
		if checks(c.FullPath()) {
			if wait := take(l.checks, c.ClientIP()); wait > 0 {
				refuse(c, "check", errCheckLimit, wait)
			}
			return
		}
		if c.Request.Method != http.MethodPost {
			return
		}
		if l.address != nil {
			if wait := take(l.address, c.ClientIP()); wait > 0 {
				refuse(c, "address", errAddressLimit, wait)
				return
			}
		}
		body := &boundedBody{ReadCloser: c.Request.Body, bodies: l.bodies}
		c.Request.Body = body
		defer func() {
			l.bodies.Release(body.held)
			if body.refused {
				l.metrics.Limited("memory")
			}
		}()
		c.Next()
	}
}

// checks says whether a route tells of codes.
func checks(route string) bool {
	return route == "/check/:token" || route == "/CHECK/:token" || route == "/api/v1/check/:token"
}

// take counts a request of an address. This machine's own has no limit: it is a proxy that is not trusted yet, behind which
// everybody is, or somebody at home. Of IPv6 the network of 64 bits counts, in which one sender has every address.
func take(from *ratelimit.Many, address string) (wait time.Duration) {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.IsLoopback() {
		return 0
	}
	key := ip.Unmap().As16()
	if !ip.Unmap().Is4() {
		clear(key[8:])
	}
	return from.Take(key[:], 1)
}

// boundedBody is the body of a request that holds what was read of it against the bound for all.
type boundedBody struct {
	io.ReadCloser
	bodies  *semaphore.Weighted
	held    int64
	refused bool
}

// Read reads, or says errBodies where there is no room.
func (b *boundedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if n > 0 && !b.bodies.TryAcquire(int64(n)) {
		b.refused = true
		return 0, errBodies
	}
	b.held += int64(n)
	return n, err
}
