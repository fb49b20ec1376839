package app

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

// columns are who asks, in the order of the table.
var columns = []string{"nobody", "owner", "gate", "ward", "district", "city", "admin", "auditor"}

// route is a line of the table: an endpoint, and what it answers to each of the columns.
//
// An answer is a status. 303 is what a form does when all is well; "login" a 303 to the log-in page, "401" what the API says
// instead. Where the path or the body names a record, an answer is "200/404": to one's own record, and to somebody else's, which
// exists. Where one stands alone, it is the same for both.
type route struct {
	method, path string
	names        named  // what the path or the body names
	body         string // with {id} for what is named; a form, or JSON where it begins with a brace
	answers      string
}

// table is every endpoint there is. A new one fails TestRoleTable until it stands here.
var table = []route{
	// For everybody.
	{"GET", "/", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/assets/:name", anAsset, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/favicon.ico", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/robots.txt", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/icon.svg", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/app.webmanifest", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/gate-offline.js", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/healthz", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/readyz", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/api/openapi.yaml", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/.well-known/truyvet-keys.json", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/.well-known/truyvet-revoked.json", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/.well-known/truyvet-box-key.json", nothing, "", "200 200 200 200 200 200 200 200"},

	// For citizens, whom a credential of their own identifies; a login is none.
	{"POST", "/api/v1/scans", nothing, `{"scans":[]}`, "401 401 401 401 401 401 401 401"},
	{"POST", "/api/v1/me/queue", nothing, `{"sent_at":1,"scans":[]}`, "401 401 401 401 401 401 401 401"},
	{"GET", "/q", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/q/:token", aCode, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/check/:token", aCode, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/CHECK/:token", aCode, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/api/v1/check/:token", aCode, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/q/:token/code", aCode, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/q/:token/stamp", aCode, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/q/:token/phone", aCode, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/q/:token/scan", aCode, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/q/:token/undo", aCode, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/q/:token/undo", aCode, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/q/:token/forget", aCode, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/q/:token/phone", aCode, "", "400 400 400 400 400 400 400 400"},
	{"POST", "/q/:token/code", aCode, "", "410 410 410 410 410 410 410 410"},
	{"POST", "/q/:token/scan", aCode, "", "400 400 400 400 400 400 400 400"},
	{"POST", "/q/:token/forget", aCode, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me", nothing, "", "200 200 200 200 200 200 200 200"},
	{"GET", "/me/phone", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/proof", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/leave", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/opened", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/check-ins.csv", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/check-ins.json", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/erase", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/declarations", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/me/declare/:form", aForm, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/me/declare/:form", aForm, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/q/:token/declare", aCode, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/q/:token/declare", aCode, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/me/phone", nothing, "", "400 400 400 400 400 400 400 400"},
	{"POST", "/me/proof", nothing, "", "410 410 410 410 410 410 410 410"},
	{"POST", "/me/leave", nothing, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/me/erase", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/notice", nothing, "", "200 200 200 200 200 200 200 200"},

	{"GET", "/q/:token/with", aCode, "", "303 303 303 303 303 303 303 303"},
	{"POST", "/q/:token/with", aCode, "name=A", "401 401 401 401 401 401 401 401"},
	{"GET", "/me/code", nothing, "", "401 401 401 401 401 401 401 401"},

	// For devices at a place, whom a key of their own identifies; a login is none.
	{"GET", "/screen", nothing, "", "401 401 401 401 401 401 401 401"},
	{"POST", "/api/v1/gate/scans", nothing, `{}`, "401 401 401 401 401 401 401 401"},
	{"POST", "/api/v1/gate/enrol", nothing, `{"code":"aaaaa-aaaaa-aaaaa-aaaaa"}`, "410 410 410 410 410 410 410 410"},

	// For both: what a gate has kept comes from its device or from its page, and so does the question where it stands.
	{"POST", "/api/v1/gate/queue", nothing, `{"sent_at":1,"scans":[]}`, "401 403 400 403 403 403 403 403"},
	{"POST", "/api/v1/gate/place", nothing, `{"token":"x"}`, "401 403 400 403 403 403 403 403"},
	{"POST", "/api/v1/gate/trips", nothing, `{"sent_at":0,"steps":[{}]}`, "401 403 400 403 403 403 403 403"},

	// To log in and out, and for the invited.
	{"GET", "/login", nothing, "", "200 303 303 303 303 303 303 303"},
	{"POST", "/login", nothing, "", "401 401 401 401 401 401 401 401"},
	{"GET", "/login/code", nothing, "", "login login login login login login login login"},
	{"POST", "/login/code", nothing, "", "login login login login login login login login"},
	{"POST", "/logout", nothing, "", "303 303 303 303 303 303 303 303"},
	{"GET", "/invitation/:token", aToken, "", "200 200 200 200 200 200 200 200"},
	{"POST", "/invitation/:token", aToken, "", "400 400 400 400 400 400 400 400"},
	{"GET", "/gate/enrol", nothing, "", "200 200 200 200 200 200 200 200"},
	{"POST", "/gate/enrol", nothing, "code=aaaaa-aaaaa-aaaaa-aaaaa", "410 410 410 410 410 410 410 410"},

	{"GET", "/signup", nothing, "", "200 200 200 200 200 200 200 200"},
	{"POST", "/signup", nothing, "", "400 400 400 400 400 400 400 400"},
	{"GET", "/applications", nothing, "", "login 403 403 403 403 403 200 403"},
	{"POST", "/applications/:id/admit", anApplication, "", "login 403 403 403 403 403 303/404 403"},
	{"GET", "/applications/:id/admit", anApplication, "", "login 403 403 403 403 403 303 403"},
	{"POST", "/applications/:id/refuse", anApplication, "", "login 403 403 403 403 403 303/404 403"},
	{"GET", "/applications/:id/refuse", anApplication, "", "login 403 403 403 403 403 303 403"},

	// One's own account; a gate has none.
	{"GET", "/account", nothing, "", "login 200 403 200 200 200 200 200"},
	{"POST", "/account/password", nothing, "", "login 400 403 400 400 400 400 400"},
	{"GET", "/account/password", nothing, "", "login 303 403 303 303 303 303 303"},
	{"POST", "/account/end", aSession, "id={id}", "login 303/404 403 303/404 303/404 303/404 303/404 303/404"},
	{"GET", "/account/end", nothing, "", "login 303 403 303 303 303 303 303"},
	{"GET", "/account/factor", nothing, "", "login 200 403 200 200 200 200 200"},
	{"POST", "/account/factor", nothing, "", "login 400 403 400 400 400 400 400"},
	{"POST", "/account/factor/drop", nothing, "", "login 400 403 400 400 400 400 400"},
	{"GET", "/account/factor/drop", nothing, "", "login 303 403 303 303 303 303 303"},

	// Other accounts.
	{"GET", "/accounts", nothing, "", "login 200 403 403 200 200 200 403"},
	{"POST", "/accounts", nothing, "role=king", "login 400 403 403 400 400 400 403"},
	{"GET", "/accounts/:id", anAccount, "", "login 200/404 403 403 200/404 200/404 200/404 403"},
	{"POST", "/accounts/:id/disable", anAccount, "", "login 303/404 403 403 303/404 303/404 303/404 403"},
	{"GET", "/accounts/:id/disable", anAccount, "", "login 303 403 403 303 303 303 403"},
	{"POST", "/accounts/:id/enable", anAccount, "", "login 303/404 403 403 403/404 403/404 303/404 403"},
	{"GET", "/accounts/:id/enable", anAccount, "", "login 303 403 403 303 303 303 403"},
	{"POST", "/accounts/:id/end", anAccount, "", "login 303/404 403 403 303/404 303/404 303/404 403"},
	{"GET", "/accounts/:id/end", anAccount, "", "login 303 403 403 303 303 303 403"},
	{"POST", "/accounts/:id/renew", anAccount, "", "login 201/404 403 403 201/404 201/404 201/404 403"},
	{"GET", "/accounts/:id/renew", anAccount, "", "login 303 403 403 303 303 303 403"},
	{"POST", "/invitations/:id/confirm", anInvitation, "", "login 409/404 403 403 200/404 200/404 403/404 403"},
	{"GET", "/invitations/:id/confirm", anInvitation, "", "login 303 403 403 303 303 303 403"},
	{"POST", "/invitations/:id/withdraw", anInvitation, "", "login 303/404 403 403 303/404 303/404 303/404 403"},
	{"GET", "/invitations/:id/withdraw", anInvitation, "", "login 303 403 403 303 303 303 403"},

	// Organisations.
	{"GET", "/organisations", nothing, "", "login 403 403 403 403 403 200 403"},
	{"GET", "/organisations/:id", anOrganisation, "", "login 403 403 403 403 403 200/404 403"},
	{"POST", "/organisations/:id", anOrganisation, "name=A&revision=99", "login 403 403 403 403 403 409/404 403"},
	{"GET", "/api/v1/organisations", nothing, "", "401 403 403 403 403 403 200 403"},
	{"GET", "/api/v1/accounts", nothing, "", "401 200 403 403 200 200 200 403"},

	// Places.
	{"GET", "/places", nothing, "", "login 200 403 403 403 403 403 403"},
	{"GET", "/places/new", aPlace, "", "login 200 403 403 403 403 403 403"},
	{"POST", "/places/new", aPlace, "name=A&kind=stall&parent={id}", "login 303/400 403 403 403 403 403 403"},
	{"GET", "/api/v1/places", nothing, "", "401 200 403 403 403 403 403 403"},
	{"GET", "/api/v1/places.csv", nothing, "", "401 200 403 403 403 403 403 403"},
	{"POST", "/api/v1/place-files", nothing, "", "401 415 403 403 403 403 403 403"},
	{"GET", "/api/v1/place-files/:id", aPlaceFile, "", "401 200/404 403 403 403 403 403 403"},
	{"GET", "/places/export.csv", nothing, "", "login 200 403 403 403 403 403 403"},
	{"GET", "/places/file", nothing, "", "login 200 403 403 403 403 403 403"},
	{"POST", "/places/file", nothing, "", "login 400 403 403 403 403 403 403"},
	{"GET", "/places/file/:id", aPlaceFile, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/file/:id/refused.csv", aPlaceFile, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/code.svg", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/poster.pdf", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/poster.svg", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/code.png", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/edit", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"POST", "/places/:id/edit", aPlace, "name=x&revision=99", "login 409/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/trips.csv", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/turnout", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/print", nothing, "", "login 200 403 403 403 403 403 403"},
	{"POST", "/places/print", nothing, "choose=none", "login 400 403 403 403 403 403 403"},
	{"GET", "/places/print/:order", anOrder, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/print/:order/file", anOrder, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/logo", nothing, "", "login 200 403 403 403 403 403 403"},
	{"GET", "/places/logo.png", nothing, "", "login 404 403 403 403 403 403 403"},
	{"POST", "/places/logo", nothing, "", "login 400 403 403 403 403 403 403"},
	{"GET", "/places/:id/reissue", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"POST", "/places/:id/reissue", aPlace, "serial=9", "login 409/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/codes", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"GET", "/places/:id/revoke", aPlace, "", "login 404 403 403 403 403 403 403"},
	{"POST", "/places/:id/revoke", aPlace, "serial=9", "login 404 403 403 403 403 403 403"},
	{"GET", "/places/:id/screen", aPlace, "", "login 200/404 403 403 403 403 403 403"},
	{"POST", "/places/:id/screen", aPlace, "", "login 201/404 403 403 403 403 403 403"},

	// The gate.
	{"GET", "/gate", nothing, "", "login 403 200 403 403 403 403 403"},
	{"POST", "/gate", nothing, "number=0912345678", "login 403 303 403 403 403 403 403"},
	{"GET", "/gate/undo", nothing, "", "login 403 303 403 403 403 403 403"},
	{"GET", "/gate/place", nothing, "", "login 403 303 403 403 403 403 403"},
	{"POST", "/gate/undo", nothing, "", "login 403 404 403 403 403 403 403"},
	{"POST", "/gate/place", nothing, "", "login 403 303 403 403 403 403 403"},

	{"GET", "/gate/trip/begin", nothing, "", "login 403 303 403 403 403 403 403"},
	{"POST", "/gate/trip/begin", nothing, "route=A", "login 403 400 403 403 403 403 403"},
	{"GET", "/gate/trip/end", nothing, "", "login 403 303 403 403 403 403 403"},
	{"POST", "/gate/trip/end", nothing, "", "login 403 400 403 403 403 403 403"},

	// Tracing. A list opens for whoever answers for one of its cases, or for anybody on it.
	{"GET", "/cases", nothing, "", "login 403 403 200 200 200 403 403"},
	{"GET", "/cases/new", nothing, "", "login 403 403 200 200 200 403 403"},
	{"POST", "/cases/new", nothing, "", "login 403 403 400 400 400 403 403"},
	{"GET", "/cases/:id", aCase, "", "login 403 403 200/404 200/404 200/404 403 403"},
	{"GET", "/dry-run", aCase, "case={id}", "login 403 403 200/404 200/404 200/404 403 403"},
	{"GET", "/runs", nothing, "", "login 403 403 200 200 200 403 403"},
	{"POST", "/runs", aCase, "case={id}&profile=who", "login 403 403 303/404 303/404 303/404 403 403"},
	{"GET", "/runs/:id", aRun, "", "login 403 403 200/404 200/404 200/404 403 403"},
	{"GET", "/runs/:id/cases", aRun, "", "login 403 403 200/404 200/404 200/404 403 403"},
	{"GET", "/runs/:id/list.csv", aRun, "", "login 403 403 200/404 200/404 200/404 403 403"},
	{"POST", "/runs/:id/approve", anOwnRun, "", "login 403 403 403/404 303/404 303/404 403 403"},
	{"GET", "/runs/:id/approve", aRun, "", "login 403 403 303 303 303 403 403"},
	{"GET", "/runs/:id/people/:person", aListed, "", "login 403 403 200/404 200/404 200/404 403 403"},
	{"POST", "/runs/:id/people/:person", aListed, "purpose=inform", "login 403 403 200/404 200/404 200/404 403 403"},
	{"POST", "/api/v1/runs/:id/approval", anOwnRun, "{}", "401 403 403 403/404 204/404 204/404 403 403"},
	{"POST", "/api/v1/runs/:id/people/:person/details", aListed, `{"purpose":"inform"}`, "401 403 403 200/404 200/404 200/404 403 403"},
	{"GET", "/api/v1/cases", nothing, "", "401 403 403 200 200 200 403 403"},
	{"POST", "/api/v1/dry-runs", aCase, `{"cases":["{id}"]}`, "401 403 403 200/404 200/404 200/404 403 403"},
	{"GET", "/api/v1/runs", nothing, "", "401 403 403 200 200 200 403 403"},
	{"POST", "/api/v1/runs", aCase, `{"cases":["{id}"],"profile":"who"}`, "401 403 403 201/404 201/404 201/404 403 403"},
	{"GET", "/api/v1/runs/:id", aRun, "", "401 403 403 200/404 200/404 200/404 403 403"},

	// The audit log.
	{"GET", "/audit", nothing, "", "login 403 403 403 403 403 403 200"},
	{"GET", "/audit/entries.csv", nothing, "", "login 403 403 403 403 403 403 200"},
	{"GET", "/audit/head.json", nothing, "", "login 403 403 403 403 403 403 200"},
}

// TestRoleTable tries every role against every endpoint, with records of its own and of others.
func TestRoleTable(t *testing.T) {
	c := newCountry(t, passwordAlone)
	listed := make(map[string]bool)
	for _, r := range table {
		listed[r.method+" "+r.path] = true
		if strings.HasPrefix(r.path, "/q/:token") { // a code is read in any case
			listed[r.method+" /Q/"+strings.TrimPrefix(r.path, "/q/")] = true
		}
	}
	for _, there := range c.routes {
		if there.Method != http.MethodHead && !listed[there.Method+" "+there.Path] {
			t.Errorf("%s %s is not in the table of roles", there.Method, there.Path)
		}
		delete(listed, there.Method+" "+there.Path)
	}
	for gone := range listed {
		t.Errorf("%s is in the table of roles and nowhere else", gone)
	}
	for _, r := range table {
		answers := strings.Fields(r.answers)
		if len(answers) != len(columns) {
			t.Fatalf("%s %s has %d answers", r.method, r.path, len(answers))
		}
		for i, who := range columns {
			own, foreign, both := strings.Cut(answers[i], "/")
			if !both {
				foreign = own
			}
			c.wants(t, r, who, true, own)
			if r.names != nothing && !r.names.isPublic() {
				c.wants(t, r, who, false, foreign)
			}
		}
	}
}

// TestNoFormOfAnotherSite sends every form there is as a browser does from another site's page, with the cookies of somebody who
// may send it.
func TestNoFormOfAnotherSite(t *testing.T) {
	c := newCountry(t, passwordAlone)
	for _, r := range table {
		if r.method != http.MethodPost {
			continue
		}
		for _, who := range []string{"owner", "city", "admin"} {
			for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"} {
				path := strings.NewReplacer(":token", c.mine.place.Code, ":id", c.mine.run.ID.String()).Replace(r.path)
				request := c.request(t, r.method, path, strings.ReplaceAll(r.body, "{id}", c.mine.known.ID.String()))
				request.Header.Set(header, value)
				for _, cookie := range c.cookiesOf(t, who) {
					request.AddCookie(cookie)
				}
				if answer := c.send(t, request); answer.status != http.StatusForbidden {
					t.Errorf("%s sends %s from another site: %d", who, r.path, answer.status)
				}
			}
		}
	}
}

// wants asks for a route as somebody and holds the answer to what is wanted.
func (c *country) wants(t *testing.T, r route, who string, own bool, want string) {
	t.Helper()
	whose := "their own"
	if !own {
		whose = "somebody else's"
	}
	answer := c.ask(t, r, who, own)
	got := strconv.Itoa(answer.status)
	if answer.status == http.StatusSeeOther && strings.HasPrefix(answer.location, "/login") {
		got = "login"
	}
	if got != want {
		t.Errorf("%s asks for %s %s with %s: %s, want %s", who, r.method, r.path, whose, got, want)
	}
	if answer.status >= http.StatusInternalServerError {
		t.Errorf("%.500s", answer.body)
	}
}

// TestAGateKeyOnlyScans has a device's key tried wherever a credential is taken: in the header and in every cookie.
func TestAGateKeyOnlyScans(t *testing.T) {
	c := newCountry(t, passwordAlone)
	_, token, err := c.parts.Accounts.Invite(t.Context(), c.mine.owner, account.Wish{Role: registry.RoleGate, Place: c.mine.place.ID})
	must(t, err)
	enrolled := c.send(t, c.request(t, http.MethodPost, "/api/v1/gate/enrol", `{"code":"`+token+`"}`))
	var device struct{ Key, Gate string }
	must(t, json.Unmarshal([]byte(enrolled.body), &device))
	if enrolled.status != http.StatusCreated || device.Key == "" {
		t.Fatalf("enrolling answers %d", enrolled.status)
	}
	scan := func() reply {
		request := c.request(t, http.MethodPost, "/api/v1/gate/scans", `{"id":"`+uuid.NewString()+`","presented":"0912345678"}`)
		request.Header.Set("Authorization", "Bearer "+device.Key)
		return c.send(t, request)
	}
	if answer := scan(); answer.status != http.StatusOK || !strings.Contains(answer.body, "accepted") {
		t.Errorf("it does not scan: %d %s", answer.status, answer.body)
	}
	for _, r := range table {
		first := strings.Fields(r.answers)[0]
		if first != "login" && first != "401" || strings.HasPrefix(r.path, "/api/v1/gate/") || strings.HasPrefix(r.path, "/gate") {
			continue
		}
		path := strings.NewReplacer(":person", c.mine.listed.String(), ":id", c.mine.run.ID.String(), ":token", c.mine.place.Code).Replace(r.path)
		request := c.request(t, r.method, path, strings.ReplaceAll(r.body, "{id}", c.mine.known.ID.String()))
		request.Header.Set("Authorization", "Bearer "+device.Key)
		for _, name := range []string{"truyvet_session", "truyvet_citizen", "truyvet_gate"} {
			request.AddCookie(&http.Cookie{Name: name, Value: device.Key})
		}
		if answer := c.send(t, request); answer.status != http.StatusUnauthorized && !strings.HasPrefix(answer.location, "/login") {
			t.Errorf("a gate's key at %s %s: %d", r.method, r.path, answer.status)
		}
	}
	gate, err := c.parts.Accounts.ByLogin(t.Context(), device.Gate)
	must(t, err)
	must(t, c.parts.Accounts.Disable(t.Context(), c.mine.owner, gate.ID))
	if answer := scan(); answer.status != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", answer.status)
	}
}

// TestNothingWithoutTheSecondFactor has the roles that need one, as nobody has set anything, try every endpoint before it is set
// up.
func TestNothingWithoutTheSecondFactor(t *testing.T) {
	c := newCountry(t)
	for i, who := range columns {
		if !slices.Contains([]string{"ward", "district", "city", "admin"}, who) {
			continue
		}
		for _, r := range table {
			column := strings.Fields(r.answers)
			if column[0] != "login" && column[0] != "401" || strings.HasPrefix(column[i], "4") || strings.HasPrefix(r.path, "/login") {
				continue // open to everybody, or not to them
			}
			answer := c.ask(t, r, who, true)
			switch {
			case strings.HasPrefix(r.path, "/account/factor") && r.method == http.MethodGet && answer.status == http.StatusOK:
			case strings.HasPrefix(r.path, "/api/"):
				if answer.status != http.StatusForbidden || !strings.Contains(answer.body, `"second_factor_missing"`) {
					t.Errorf("%s: %s %s answers %d %s", who, r.method, r.path, answer.status, answer.body)
				}
			case answer.status != http.StatusSeeOther || answer.location != "/account/factor":
				t.Errorf("%s: %s %s answers %d to %s", who, r.method, r.path, answer.status, answer.location)
			}
		}
	}
	c.wants(t, route{method: http.MethodGet, path: "/places"}, "owner", true, "200")
	c.wants(t, route{method: http.MethodGet, path: "/audit"}, "auditor", true, "200")
}
