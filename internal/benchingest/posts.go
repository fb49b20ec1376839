package benchingest

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/loadgen"
	"github.com/truyvet/truyvet/qrgen"
)

// town is who scans what: the credentials of some people and the codes of some places, of one installation.
type town struct {
	credentials []string
	codes       []string
}

// People are enough that none of them scans hundreds of times in one run.
const (
	people = 200_000
	places = 500
)

// newTown makes a town with the keys of an installation.
func newTown(cfg *config.Config) (*town, error) {
	keys, err := qrgen.ReadKeyFile(cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	secrets, err := cfg.Secrets()
	if err != nil {
		return nil, err
	}
	issuer, err := citizen.NewCredentials(secrets.Credential, time.Now)
	if err != nil {
		return nil, err
	}
	t := new(town)
	for range people {
		text, _ := issuer.Issue(uuid.New())
		t.credentials = append(t.credentials, text)
	}
	for range places {
		code, err := keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: time.Now().Add(-time.Hour), Serial: 1})
		if err != nil {
			return nil, fmt.Errorf("signing a code: %w", err)
		}
		t.codes = append(t.codes, code)
	}
	return t, nil
}

// posts writes the requests of one connection, always into the same bytes.
type posts struct {
	town          *town
	random        *rand.Rand
	host          string
	scans         int // of a request
	next          int // counts the requests
	person        int // who scans next
	step          int // from one person to the next, so that connections share none of them
	request, body []byte
}

// write returns the next request: new scans, all of one person.
func (p *posts) write() []byte {
	p.next++
	p.person = (p.person + p.step) % len(p.town.credentials)
	p.body = append(p.body[:0], `{"scans":[`...)
	for i := range p.scans {
		if i > 0 {
			p.body = append(p.body, ',')
		}
		id := newID(p.random)
		p.body = append(p.body, `{"id":"`...)
		p.body = appendUUID(p.body, id)
		p.body = append(p.body, `","token":"`...)
		p.body = append(p.body, p.town.codes[(p.next+i)%len(p.town.codes)]...)
		p.body = append(p.body, `","kind":"in"}`...)
	}
	p.body = append(p.body, `]}`...)
	p.request = append(p.request[:0], "POST /api/v1/scans HTTP/1.1\r\nHost: "...)
	p.request = append(p.request, p.host...)
	p.request = append(p.request, "\r\nAuthorization: Bearer "...)
	p.request = append(p.request, p.town.credentials[p.person]...)
	p.request = append(p.request, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	p.request = strconv.AppendInt(p.request, int64(len(p.body)), 10)
	p.request = append(p.request, "\r\n\r\n"...)
	p.request = append(p.request, p.body...)
	return p.request
}

// newRandom returns random numbers that differ by the run and by n.
func newRandom(n int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(n))) //nolint:gosec // it guards nothing
}

// newID makes a UUIDv7 of this millisecond, without the cost of random numbers that nobody can guess.
func newID(random *rand.Rand) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(time.Now().UnixMilli())<<16|random.Uint64()&0xffff)
	binary.BigEndian.PutUint64(id[8:], random.Uint64())
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

// appendUUID writes an id as people read it.
func appendUUID(dst []byte, id uuid.UUID) []byte {
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// poster measures a server by posts of a number of scans over some connections.
type poster struct {
	town        *town
	target      *url.URL
	connections int
	scans       int
}

// measure posts for a while and returns how many scans were answered in a second. Whatever is not answered with 200 is an
// error.
func (p poster) measure(ctx context.Context, during time.Duration) (float64, error) {
	var answered atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	conns := make([]*loadgen.Conn, p.connections)
	for i := range conns {
		var err error
		if conns[i], err = loadgen.Dial(ctx, p.target); err != nil {
			return 0, err
		}
		defer func() { _ = conns[i].Close() }()
	}
	begin := time.Now()
	end := begin.Add(during)
	for i, conn := range conns {
		group.Go(func() error {
			w := posts{town: p.town, host: p.target.Host, scans: p.scans, next: i * 31, person: i, step: p.connections, random: newRandom(i)}
			done := 0
			defer func() { answered.Add(int64(done)) }()
			for time.Now().Before(end) && ctx.Err() == nil {
				answer, err := conn.Do(w.write(), end.Add(10*time.Second))
				if err != nil {
					return err
				}
				if answer.Status != http.StatusOK {
					return fmt.Errorf("the server answered %d: %s", answer.Status, answer.Body)
				}
				done += p.scans
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return float64(answered.Load()) / time.Since(begin).Seconds(), nil
}
