package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// Who somebody is that must be found nowhere but in the vault.
const (
	keptPhone, keptName = "0987612345", "Đặng Thị Kim Phụng"
	keptChild           = "Đặng Bảo Ngọc Châu"
	keptCard            = "079188123457"
	cardName, cardHome  = "Huỳnh Văn Khởi", "45 Nguyễn Thông, Quận Mẫu"
	keptDeclared        = "Chợ Viềng Phủ Giầy"
	cardText            = keptCard + "|024681357|" + cardName + "|09091988|Nam|" + cardHome + "|01022022"
)

// TestNobodyIsNamedAnywhere looks for who people are after an outbreak, standalone and in a cluster.
func TestNobodyIsNamedAnywhere(t *testing.T) {
	t.Run("standalone", func(t *testing.T) {
		in := outbreak(t, nil)
		wantNobody(t, filesBelow(t, in.data))
	})
	t.Run("cluster", func(t *testing.T) {
		// Its log has every value that is written. What is looked up is another matter: somebody types a number for a login.
		postgres := testserver.Postgres(t, testenv.PostgresOptions{Args: []string{"-c", "log_statement=mod"}})
		redis := testserver.Redis(t, testenv.RedisOptions{})
		columns := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
		in := outbreak(t, []string{
			"TRUYVET_REGISTRY_URL=" + databaseOf(postgres), "TRUYVET_REDIS_URL=redis://" + redis.Addr + "/0",
			"TRUYVET_CLICKHOUSE_URL=clickhouse://" + columns.Addr + "/default",
		})
		scans := scansIn(t, columns.Addr)
		for _, server := range []*testenv.Server{redis, columns, postgres} {
			mustDo(t, server.Stop) // what is in memory goes to the disk, and what is in the logs is all there is
		}
		kept := filesBelow(t, postgres.Dir)
		if !slices.ContainsFunc(slices.Collect(maps.Values(kept)), func(content []byte) bool {
			return bytes.Contains(content, []byte("Chợ Mẫu"))
		}) {
			t.Error("not even the name of a place is found: the files are not those of the registry")
		}
		for _, dir := range []string{redis.Dir, columns.Dir, in.data} {
			maps.Copy(kept, filesBelow(t, dir))
		}
		kept["the scans in ClickHouse"] = scans
		wantNobody(t, kept)
	})
}

// databaseOf returns the address of a server's own database.
func databaseOf(server *testenv.Server) string {
	return "postgres://postgres@" + server.Addr + "/postgres?sslmode=disable"
}

// outbreak has somebody check in by phone and somebody at a gate by card, both met the F0, and opens their details; then it looks
// for who they are in the logs, with every address that was asked for, and in the metrics, and ends the server.
func outbreak(t *testing.T, settings []string) *installation {
	t.Helper()
	g := newGateway(t)
	in := install(t, append(settings, "TRUYVET_SMS_WEBHOOK="+g.URL, "TRUYVET_LOG_LEVEL=debug")...)
	cluster := in.setting("TRUYVET_REDIS_URL") != ""
	if cluster {
		in.run("migrate")
	}
	processes := []*process{in.serve()}
	if cluster {
		processes = append(processes, in.start("worker"))
	}
	v := settle(t, in, g)
	place := find(t, in.run("qr", "verify", "--keys", filepath.Join(in.data, "keys.json"), v.token), `place: +([0-9a-f-]{36})`)
	gate := in.account("--login", "cong", "--role", "gate", "--place", place)

	// All three are at the market now; the F0's scans and the first ones were a little earlier.
	earlier := time.Now().Add(-40 * time.Minute)
	mustSend := func(credential string, from time.Time, length time.Duration) {
		t.Helper()
		if _, err := v.send(t.Context(), credential, visit(v.token, from, length)); err != nil {
			t.Fatal(err)
		}
	}
	mustSend(v.f0Client, earlier, 39*time.Minute)
	phone := prove(t, in, g, v.token, keptPhone, "name", keptName, "ward", "31101")
	mustSend(credentialOf(phone, v.token), earlier.Add(time.Minute), 30*time.Minute)
	if page := phone.get("/me/code"); !strings.Contains(page, "<svg") {
		t.Error("there is no personal code")
	}
	phone.post("/q/"+v.token+"/with", "name", keptChild)
	phone.post("/q/"+v.token+"/declare", "who", "me", "who", "0", "nothing", "1", "q-symptoms", "taste", "q-where", keptDeclared)
	gate.post("/gate", "number", cardText, "nonce", find(t, gate.get("/gate"), `name="nonce" value="([^"]+)"`))
	wrong := in.person() // somebody types a number where it does not belong
	wrong.post("/q/"+v.token+"/phone", "phone", keptPhone)
	if res, err := wrong.client.PostForm(in.base+"/login", url.Values{"login": {keptPhone}, "password": {keptName}}); err == nil {
		_ = res.Body.Close()
	}

	// The city's team opens, after a colleague has approved, whoever is in the list.
	colleague := in.colleague("dong-nghiep")
	_, landed := v.city.post("/cases/new", "phone", v.f0, "onset", time.Now().Format(time.DateOnly), "lab_ref", "XN-7")
	var run string
	eventually(t, "the list has whom the F0 met", func() error {
		page, made := v.city.post("/runs", "case", find(t, landed, `/cases/([0-9a-f-]{36})`), "profile", "vn-5053")
		if run = made; !strings.Contains(page, "/people/") {
			return errors.New("nobody is listed yet")
		}
		return nil
	})
	person := find(t, v.city.get(run), run+`/people/([0-9a-f-]{36})"`)
	if page := v.city.get(run + "/people/" + person); !strings.Contains(page, "/approve") && strings.Contains(page, `name="purpose"`) {
		t.Error("what nobody approved can be opened")
	}
	colleague.post(run + "/approve")
	opened, _ := v.city.post(run+"/people/"+person, "purpose", "inform", "text", "")
	if !strings.Contains(opened, keptPhone) || !strings.Contains(opened, keptName) || !strings.Contains(opened, keptDeclared) {
		t.Errorf("the details are not on the page:\n%s", opened)
	}

	told := map[string][]byte{}
	for _, p := range processes {
		told["the metrics of "+p.args[0]] = getAll(t, find(t, p.log.String(), `url=(http://\S+/metrics)`))
	}
	for _, p := range processes {
		if err := p.stop(); err != nil { // what is in memory goes to the disk
			t.Error(err)
		}
		told["the log of "+p.args[0]] = []byte(p.log.String())
	}
	wantNobody(t, told)
	return in
}

// filesBelow reads every file below a folder.
func filesBelow(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files in %s, %v", len(files), dir, err)
	}
	return files
}

// scansIn returns every scan in ClickHouse as text: on its disk they are compressed.
func scansIn(t *testing.T, addr string) []byte {
	t.Helper()
	db := clickhouse.OpenDB(&clickhouse.Options{Addr: []string{addr}})
	defer db.Close()
	rows, err := db.Query("SELECT * FROM scans")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, values...)
	}
	if err := rows.Err(); err != nil || bytes.Count(text.Bytes(), []byte("\n")) < 4 {
		t.Fatalf("the scans are %s, %v", &text, err)
	}
	return text.Bytes()
}

// wantNobody looks for who people are.
func wantNobody(t *testing.T, places map[string][]byte) {
	t.Helper()
	for where, content := range places {
		for _, secret := range []string{
			keptPhone, keptPhone[1:], "84" + keptPhone[1:], keptName, "Kim Ph", keptDeclared, `["taste"]`, keptChild, keptCard, "024681357", cardName, "Văn Khởi", cardHome, cardText,
			townF0, townF0[1:],
		} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%q is in %s", secret, where)
			}
		}
	}
}

// colleague logs in as a second member of the city's team. Two people would grant that; this goes past them.
func (in *installation) colleague(login string) *person {
	in.t.Helper()
	store, err := sqlstore.Open(in.t.Context(), in.registry())
	if err != nil {
		in.t.Fatal(err)
	}
	defer store.Close()
	secrets := readSecrets(in.t, in)
	log, err := audit.New(store, secrets.Audit, time.Now)
	if err != nil {
		in.t.Fatal(err)
	}
	accounts, err := account.New(account.Deps{Store: store, Audit: log, Clock: time.Now, Key: secrets.Page})
	if err != nil {
		in.t.Fatal(err)
	}
	const password = "mật khẩu của đồng nghiệp"
	if _, err := accounts.Create(in.t.Context(), registry.Account{Login: login, Role: registry.RoleCity, Area: "31"}, password); err != nil {
		in.t.Fatal(err)
	}
	p := in.person()
	p.logIn(login, password)
	return p
}

// prove has somebody prove a phone number at a place, which checks them in; more are fields beside the code.
func prove(t *testing.T, in *installation, g *gateway, token, phone string, more ...string) *person {
	t.Helper()
	p := in.person()
	p.post("/q/"+token+"/phone", "phone", phone)
	eventually(t, "the code arrives", func() error {
		if g.code(phone) == "" {
			return errors.New("no code yet")
		}
		return nil
	})
	nonce := find(t, p.get("/q/"+token+"/code"), `name="nonce" value="([^"]+)"`)
	page, landed := p.post("/q/"+token+"/code", append([]string{"code", g.code(phone), "nonce", nonce}, more...)...)
	if !strings.HasSuffix(landed, "/stamp") {
		t.Fatalf("the proof led to %s:\n%s", landed, page)
	}
	return p
}

// credentialOf returns the credential that a browser holds.
func credentialOf(p *person, token string) string {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.base+"/q/"+token, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, cookie := range p.client.Jar.Cookies(req.URL) {
		if cookie.Name == "truyvet_citizen" {
			return cookie.Value
		}
	}
	p.t.Fatal("the browser holds no credential")
	return ""
}

func getAll(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var all bytes.Buffer
	if _, err := all.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", url, res.StatusCode, err)
	}
	return all.Bytes()
}
