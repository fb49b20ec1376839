package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
)

// What people try who want what is not theirs, each as a test: here over a server with every role, and elsewhere
//
//	session fixation                      webui TestPlantedSessions
//	a post from another site              TestNoFormOfAnotherSite
//	a credential that was bent            citizen TestCredentialCannotBeBent
//	a one-time code used twice            citizen TestOneUseAtOnce
//	a personal code shown too late        citizen TestPersonalCodeAtAGate
//	a place or record of somebody else's  TestRoleTable
//	a gate's key used for reading         TestAGateKeyOnlyScans
//	a changed audit row                   audit TestVerifyFindsWhatIsDoneToTheTable
//	a vault value moved to somebody else  vault TestMovedValueDoesNotOpen
//	timing of unknown against known users account TestUnknownLoginsAskAsMuch

// postAs sends a form as one of the staff.
func (c *country) postAs(t *testing.T, who, path string, fields url.Values) reply {
	t.Helper()
	request := c.request(t, http.MethodPost, path, fields.Encode())
	for _, cookie := range c.cookiesOf(t, who) {
		request.AddCookie(cookie)
	}
	return c.send(t, request)
}

// TestForgedAndReplayedCredentials presents what is no credential of ours, and one that was good once.
func TestForgedAndReplayedCredentials(t *testing.T) {
	c := newCountry(t, passwordAlone)
	alias, err := c.parts.Pseudonyms.Phone("0912000001")
	must(t, err)
	person, err := c.parts.Registry.EnsurePerson(t.Context(), registry.Link{Alias: alias, Kind: citizen.KindPhone}, "")
	must(t, err)
	text, _ := c.parts.Credentials.Issue(alias)
	strangers, err := citizen.NewCredentials(slices.Repeat([]byte{7}, citizen.KeySize), time.Now)
	must(t, err)
	foreign, _ := strangers.Issue(alias)
	present := func(credential string) int {
		t.Helper()
		request := c.request(t, http.MethodPost, "/api/v1/scans",
			`{"scans":[{"id":"`+uuid.NewString()+`","token":"`+c.mine.place.Code+`","kind":"in"}]}`)
		request.AddCookie(&http.Cookie{Name: "truyvet_citizen", Value: credential})
		return c.send(t, request).status
	}
	if status := present(text); status != http.StatusOK {
		t.Fatalf("a good credential: %d", status)
	}
	for what, forged := range map[string]string{
		"of another key": foreign, "cut off": text[:len(text)-1], "twice": text + text, "of nothing": strings.Repeat("A", len(text)),
		"an alias": alias.String(),
	} {
		if status := present(forged); status != http.StatusUnauthorized {
			t.Errorf("a credential %s: %d", what, status)
		}
	}
	// It lets its holder check in, and shows nobody where they were.
	request := c.request(t, http.MethodGet, "/me/check-ins.csv", "")
	for _, name := range []string{"truyvet_citizen", "truyvet_me", "truyvet_session"} {
		request.AddCookie(&http.Cookie{Name: name, Value: text})
	}
	if answer := c.send(t, request); answer.status != http.StatusSeeOther || answer.location != "/me" {
		t.Errorf("with a credential alone somebody's check-ins are answered %d", answer.status)
	}
	must(t, c.parts.Registry.RevokeCredentials(t.Context(), person.ID, time.Now().Unix()+1))
	must(t, c.parts.refresh(t.Context()))
	if status := present(text); status != http.StatusUnauthorized {
		t.Errorf("a credential that was taken back, once more: %d", status)
	}
}

// TestForeignPlacesAndOrganisations has an owner name those of somebody else where a form takes one.
func TestForeignPlacesAndOrganisations(t *testing.T) {
	c := newCountry(t, passwordAlone)
	place, organisation := c.others.place.ID.String(), c.others.owner.Organisation.String()
	for what, wish := range map[string]url.Values{
		"a part of a foreign place":      {"name": {"A"}, "kind": {"stall"}, "parent": {place}},
		"a gate at a foreign place":      {"role": {"gate"}, "place": {place}},
		"a gate by a foreign code":       {"role": {"gate"}, "place": {c.others.place.Code}},
		"an owner of a foreign business": {"role": {"owner"}, "organisation": {organisation}},
	} {
		path := "/accounts"
		if wish.Has("parent") {
			path = "/places/new"
		}
		if answer := c.postAs(t, "owner", path, wish); answer.status != http.StatusBadRequest && answer.status != http.StatusForbidden {
			t.Errorf("%s: %d", what, answer.status)
		}
	}
	// A field that the form does not have moves nothing.
	answer := c.postAs(t, "owner", "/places/new", url.Values{
		"name": {"Quầy lạ"}, "kind": {"stall"}, "parent": {c.mine.place.ID.String()}, "organisation": {organisation}, "id": {place},
	})
	if answer.status != http.StatusSeeOther {
		t.Fatalf("a part of one's own place: %d", answer.status)
	}
	for _, p := range c.parts.Places.Tree(c.others.owner) {
		if p.Name == "Quầy lạ" || p.Revision != c.others.place.Revision {
			t.Errorf("somebody else's place was changed: %+v", p)
		}
	}
}

// TestNobodyRaisesThemselves has every role ask for more than it has, of others and for itself.
func TestNobodyRaisesThemselves(t *testing.T) {
	c := newCountry(t, passwordAlone)
	wishes := map[string]url.Values{
		"admin": {"role": {"admin"}}, "auditor": {"role": {"auditor"}}, "city": {"role": {"city"}, "area": {"01"}},
		"district": {"role": {"district"}, "area": {"001"}}, "ward": {"role": {"ward"}, "area": {"00001"}},
		"another city": {"role": {"city"}, "area": {"02"}}, "another ward": {"role": {"ward"}, "area": {"02101"}},
		"a role in no area": {"role": {"city"}}, "a wider role here": {"role": {"city"}, "area": {"001"}},
	}
	may := map[string][]string{ // what somebody may propose, of which nothing becomes an account by their word alone
		"district": {"district", "ward"}, "city": {"city", "district", "ward", "auditor"},
		"admin": {"admin", "auditor", "city", "district", "ward", "another city", "another ward"},
	}
	for _, who := range columns {
		for what, wish := range wishes {
			answer := c.postAs(t, who, "/accounts", wish)
			if (answer.status == http.StatusCreated) != slices.Contains(may[who], what) {
				t.Errorf("%s proposes %s: %d", who, what, answer.status)
			}
			link := strings.Contains(answer.body, c.parts.Config.BaseURL+"/invitation/")
			if answer.status == http.StatusCreated && who == "admin" && what != "admin" && link {
				t.Errorf("an administrator alone has the link for %s", what)
			}
		}
	}
	// Both words of one person, and one's own account.
	for _, who := range []string{"city", "admin"} {
		offers, err := c.parts.Accounts.Offers(t.Context(), c.staff[who])
		must(t, err)
		for _, offer := range offers {
			if offer.By != c.staff[who].Login || offer.Confirmed != uuid.Nil {
				continue
			}
			if answer := c.postAs(t, who, "/invitations/"+offer.ID.String()+"/confirm", nil); answer.status < 400 {
				t.Errorf("%s confirms what they proposed themselves: %d", who, answer.status)
			}
		}
		for _, act := range []string{"enable", "renew", "disable"} {
			if answer := c.postAs(t, who, "/accounts/"+c.staff[who].ID.String()+"/"+act, nil); answer.status < 400 {
				t.Errorf("%s does %s to their own account: %d", who, act, answer.status)
			}
		}
	}
	for who, before := range c.staff {
		now, err := c.parts.Accounts.Account(t.Context(), before.ID)
		if err != nil || now.Role != before.Role || now.Area != before.Area || now.Organisation != before.Organisation {
			t.Errorf("%s has become %+v, %v", who, now, err)
		}
	}
}

// TestNothingOpensWithoutACase asks for the details of people whom no list of a case leads to, over pages and programs.
func TestNothingOpensWithoutACase(t *testing.T) {
	c := newCountry(t, passwordAlone)
	bystander, err := c.parts.Registry.EnsurePerson(t.Context(), registry.Link{Alias: uuid.New(), Kind: citizen.KindPhone}, "00001")
	must(t, err)
	fresh := c.again(t, c.mine.list, c.mine.ward) // the ward's own case, run by the ward, which nobody has approved
	must(t, c.parts.Registry.PutRun(t.Context(), fresh))
	for what, ids := range map[string][2]uuid.UUID{
		"nobody's run":                 {uuid.New(), c.mine.listed},
		"somebody who is not listed":   {c.mine.list.ID, bystander.ID},
		"somebody of another list":     {c.mine.list.ID, c.others.listed},
		"somebody of a foreign list":   {c.others.list.ID, c.others.listed},
		"the case in place of the run": {c.mine.known.ID, c.mine.listed},
		"a list that nobody approved":  {fresh.ID, c.mine.listed},
	} {
		for _, who := range []string{"ward", "district", "city", "admin", "auditor", "owner", "gate"} {
			if what == "a list that nobody approved" && who != "ward" && who != "district" && who != "city" {
				continue
			}
			page := c.postAs(t, who, "/runs/"+ids[0].String()+"/people/"+ids[1].String(), url.Values{"purpose": {"inform"}})
			request := c.request(t, http.MethodPost, "/api/v1/runs/"+ids[0].String()+"/people/"+ids[1].String()+"/details", `{"purpose":"inform"}`)
			for _, cookie := range c.cookiesOf(t, who) {
				request.AddCookie(cookie)
			}
			if program := c.send(t, request); page.status < 400 || program.status < 400 {
				t.Errorf("%s opens %s: %d, %d", who, what, page.status, program.status)
			}
		}
	}
	// A list without a purpose opens nothing either.
	listed := "/runs/" + c.mine.list.ID.String() + "/people/" + c.mine.listed.String()
	if answer := c.postAs(t, "district", listed, nil); answer.status != http.StatusBadRequest {
		t.Errorf("an opening without a purpose: %d", answer.status)
	}
	for _, person := range []uuid.UUID{bystander.ID, c.mine.listed, c.others.listed} {
		if openings, err := c.parts.Registry.Openings(t.Context(), person, 0); err != nil || len(openings) > 0 {
			t.Errorf("opened were %+v, %v", openings, err)
		}
	}
}
