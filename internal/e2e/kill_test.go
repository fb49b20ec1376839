package e2e

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/qrgen"
)

// town is an installation with a place, an F0 who is known by phone, and visitors who send their scans through the API.
type town struct {
	*installation
	city     *person
	token    string
	f0       string // phone number
	f0Client string // credential
	issue    func(uuid.UUID) (string, time.Time)
}

// townF0 is the phone number of the F0.
const townF0 = "0912345678"

const (
	visitCount  = 20 // visits of each visitor
	visitLength = 20 * time.Minute
	visitEvery  = 60 * time.Minute
	minVisitors = 24
)

// settle makes the town on a server that runs.
func settle(t *testing.T, in *installation, g *gateway) *town {
	t.Helper()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	v := &town{installation: in, city: in.account("--login", "thanh-pho", "--role", "city", "--area", "31"), f0: townF0}
	_, landed := owner.post("/places/new", "name", "Chợ Mẫu", "kind", "market", "address", "Số 1", "area", "31101", "parent", "", "dwell", "", "form", "general")
	v.token = olderCode(t, in, find(t, landed, `/places/([0-9a-f-]{36})`))

	// The F0 proves the phone as a person does; the visitors hold credentials that this test signs with the server's key.
	phone := in.person()
	phone.post("/q/"+v.token+"/phone", "phone", v.f0)
	eventually(t, "the code arrives", func() error {
		if g.code(v.f0) == "" {
			return fmt.Errorf("no code yet")
		}
		return nil
	})
	page, landed := phone.post("/q/"+v.token+"/code", "code", g.code(v.f0), "nonce", find(t, phone.get("/q/"+v.token+"/code"), `name="nonce" value="([^"]+)"`))
	if !strings.HasSuffix(landed, "/stamp") {
		t.Fatalf("the proof led to %s:\n%s", landed, page)
	}
	for _, cookie := range phone.client.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(in.base, "http://"), Path: "/q/" + v.token}) {
		if cookie.Name == "truyvet_citizen" {
			v.f0Client = cookie.Value
		}
	}
	secrets, err := config.ReadSecrets(filepath.Join(in.data, "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := citizen.NewCredentials(secrets.Credential, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	v.issue = credentials.Issue
	return v
}

// olderCode signs a code of a place that hung there before the visits, which lie in the past.
func olderCode(t *testing.T, in *installation, place string) string {
	t.Helper()
	keys, err := qrgen.ReadKeyFile(filepath.Join(in.data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := keys.Sign(qrgen.Token{
		Kind: qrgen.KindMarket, Place: uuid.MustParse(place), IssuedAt: time.Now().Add(-48 * time.Hour), Serial: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// wireScan is one scan of a batch.
type wireScan struct {
	ID    string `json:"id"`
	Token string `json:"token"`
	Kind  string `json:"kind"`
	At    int64  `json:"at"`
}

func visit(token string, from time.Time, length time.Duration) []wireScan {
	return []wireScan{
		{uuid.Must(uuid.NewV7()).String(), token, "in", from.Unix()},
		{uuid.Must(uuid.NewV7()).String(), token, "out", from.Add(length).Unix()},
	}
}

// send sends a batch until every scan of it is acknowledged, and returns how many tries that took.
func (v *town) send(ctx context.Context, credential string, scans []wireScan) (tries int, err error) {
	body, err := json.Marshal(map[string]any{"scans": scans})
	if err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	for tries = 1; ; tries++ {
		if err := ctx.Err(); err != nil {
			return tries, err
		}
		answer, err := v.try(ctx, client, credential, body)
		if err == nil {
			for _, r := range answer {
				if r.Status != "accepted" && r.Status != "duplicate" {
					return tries, fmt.Errorf("a scan was answered %s %s", r.Status, r.Code)
				}
			}
			return tries, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

type answerLine struct{ Status, Code string }

// try sends once; an error means that nothing was acknowledged.
func (v *town) try(ctx context.Context, client *http.Client, credential string, body []byte) ([]answerLine, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/api/v1/scans", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+credential)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		if res.StatusCode <= 500 && res.StatusCode != http.StatusTooManyRequests {
			v.t.Errorf("status %d: %s", res.StatusCode, text)
		}
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	var answer struct{ Results []answerLine }
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	return answer.Results, nil
}

// list records the F0 as a case, traces, and returns the exported list.
func (v *town) list(onset time.Time) [][]string {
	v.t.Helper()
	_, landed := v.city.post("/cases/new", "phone", v.f0, "id_card", "", "onset", onset.Format(time.DateOnly), "sample", "", "isolated", "", "lab_ref", "XN-1")
	id := find(v.t, landed, `/cases/([0-9a-f-]{36})`)
	eventually(v.t, "the store has caught up with the log and a trace is made", func() error {
		res, err := v.city.client.PostForm(v.base+"/runs", url.Values{"case": {id}, "profile": {"vn-2021-12"}})
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if landed = res.Request.URL.Path; res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
	rows, err := csv.NewReader(strings.NewReader(v.city.get(landed + "/list.csv"))).ReadAll()
	if err != nil {
		v.t.Fatal(err)
	}
	return rows[1:]
}

// TestKillsLoseNothing kills serve, worker, redis-server and clickhouse-server in turn, several times, while visitors send
// their scans, and sees every acknowledged visit in the F0's list once.
func TestKillsLoseNothing(t *testing.T) {
	redis := testserver.Redis(t, testenv.RedisOptions{})
	clickhouse := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
	g := newGateway(t)
	in := install(t, "TRUYVET_SMS_WEBHOOK="+g.URL, "TRUYVET_REDIS_URL=redis://"+redis.Addr+"/0",
		"TRUYVET_CLICKHOUSE_URL=clickhouse://"+clickhouse.Addr+"/default")
	in.run("migrate")
	serve, worker := in.serve(), in.start("worker")
	v := settle(t, in, g)

	kills := []func(){
		func() { serve.kill(); serve.begin(); in.await(serve) },
		func() { worker.kill(); worker.begin() },
		func() { mustDo(t, redis.Kill); mustDo(t, func() error { return redis.Restart(t.Context()) }) },
		func() { mustDo(t, clickhouse.Kill); mustDo(t, func() error { return clickhouse.Restart(t.Context()) }) },
	}
	checkVisits(t, v, kills)
}

// TestStandaloneKillLosesNothing kills a standalone serve again and again while visitors send their scans.
func TestStandaloneKillLosesNothing(t *testing.T) {
	g := newGateway(t)
	in := install(t, "TRUYVET_SMS_WEBHOOK="+g.URL)
	serve := in.serve()
	v := settle(t, in, g)
	checkVisits(t, v, []func(){func() { serve.kill(); serve.begin(); in.await(serve) }})
}

func mustDo(t *testing.T, do func() error) {
	t.Helper()
	if err := do(); err != nil {
		t.Fatal(err)
	}
}

// checkVisits has visitor after visitor send their scans while each kill happens twice, and then compares the F0's list
// with what was acknowledged.
func checkVisits(t *testing.T, v *town, kills []func()) {
	t.Helper()
	first := time.Now().UTC().Truncate(time.Hour).Add(-visitCount*visitEvery - 2*time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	// The F0 checks in and out around every visit: 2 minutes earlier and 2 minutes later.
	var f0 []wireScan
	for i := range visitCount {
		f0 = append(f0, visit(v.token, first.Add(time.Duration(i)*visitEvery-2*time.Minute), visitLength+4*time.Minute)...)
	}
	if _, err := v.send(ctx, v.f0Client, f0); err != nil {
		t.Fatal(err)
	}

	var acknowledged, again, visitors atomic.Int64
	killed := make(chan struct{})
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for !over(killed) || visitors.Load() < minVisitors {
				credential, _ := v.issue(uuid.New())
				for _, part := range visits(v.token, first) {
					tries, err := v.send(ctx, credential, part)
					if err != nil {
						t.Error(err)
						return
					}
					again.Add(int64(tries - 1))
					acknowledged.Add(int64(len(part)))
				}
				visitors.Add(1)
			}
		})
	}
	for range 2 {
		for _, kill := range kills {
			// The next kill waits until more scans have gone through, so that each hits the middle of the sending.
			before := acknowledged.Load()
			for acknowledged.Load() < before+3*visitCount && ctx.Err() == nil && !t.Failed() {
				time.Sleep(time.Millisecond)
			}
			kill()
		}
	}
	close(killed)
	senders.Wait()
	if t.Failed() {
		return
	}
	t.Logf("%d visitors, %d scans acknowledged, %d sendings again", visitors.Load(), acknowledged.Load(), again.Load())

	encounters := make(map[string]int)
	for _, row := range v.list(first.Add(-24 * time.Hour)) {
		encounters[row[0]]++
		if row[1] != "1" || row[3] != strconv.Itoa(visitCount*int(visitLength.Seconds())) || row[4] != strconv.Itoa(visitCount) {
			t.Errorf("listed as %v", row)
		}
	}
	if len(encounters) != int(visitors.Load()) {
		t.Errorf("%d people listed, %d visited", len(encounters), visitors.Load())
	}
	for person, n := range encounters {
		if n != visitCount {
			t.Errorf("%s: %d encounters, want %d", person, n, visitCount)
		}
	}
}

func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// visits returns one visitor's batches: half of the visits at once, and the rest one by one.
func visits(token string, first time.Time) [][]wireScan {
	var all []wireScan
	for i := range visitCount {
		all = append(all, visit(token, first.Add(time.Duration(i)*visitEvery), visitLength)...)
	}
	return append([][]wireScan{all[:visitCount]}, slices.Collect(slices.Chunk(all[visitCount:], 2))...)
}

// TestStopsWhenTold sees serve and worker end by themselves, and well, on a SIGTERM.
func TestStopsWhenTold(t *testing.T) {
	redis := testserver.Redis(t, testenv.RedisOptions{})
	clickhouse := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
	in := install(t, "TRUYVET_REDIS_URL=redis://"+redis.Addr+"/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://"+clickhouse.Addr+"/default")
	in.run("migrate")
	serve, worker := in.serve(), in.start("worker")
	eventually(t, "the worker carries", func() error {
		if !strings.Contains(worker.log.String(), "carrying scans") {
			return errors.New("not yet")
		}
		return nil
	})
	for _, p := range []*process{serve, worker} {
		if err := p.stop(); err != nil {
			t.Errorf("%s: %v", p.args[0], err)
		}
	}
}
