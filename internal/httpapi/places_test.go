package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// fakeFiles answers as it is told and keeps what it was given.
type fakeFiles struct {
	search registry.Search
	found  registry.Found
	taken  string
	err    error
}

var fileID = uuid.UUID{5}

func (f *fakeFiles) find(_ context.Context, q registry.Search) (registry.Found, error) {
	f.search = q
	return f.found, f.err
}

func (f *fakeFiles) Take(_ context.Context, _ registry.Account, in io.Reader) (registry.PlaceFile, error) {
	taken, err := io.ReadAll(in)
	f.taken = string(taken)
	return registry.PlaceFile{ID: fileID}, errors.Join(f.err, err)
}

func (f *fakeFiles) Report(_ context.Context, _ registry.Account, id uuid.UUID) (places.Report, error) {
	if id != fileID {
		return places.Report{}, registry.ErrNotFound
	}
	return places.Report{
		PlaceFile: registry.PlaceFile{ID: id, Added: 2, Refused: 1}, Faults: []places.RowFault{{Line: 3, Column: "kind", Why: places.ErrKind}},
	}, nil
}

func (f *fakeFiles) WriteCSV(_ context.Context, _ registry.Account, w io.Writer) error {
	if f.err == nil {
		_, f.err = io.WriteString(w, "key,name\n")
	}
	return f.err
}

func owners(t *testing.T) (*bench, func(*http.Request) *httptest.ResponseRecorder) {
	t.Helper()
	b := newBench(t)
	b.actor = registry.Account{Role: registry.RoleOwner, Organisation: uuid.UUID{9}}
	return b, described(t, b)
}

func TestPlacesAreFound(t *testing.T) {
	b, do := owners(t)
	site, part := uuid.UUID{1}, uuid.UUID{2}
	b.files.found = registry.Found{Next: part, Places: []registry.Place{
		{ID: site, Kind: qrgen.KindMarket, Name: "Chợ", Dwell: 60}, {ID: part, Parent: site, Key: "q1", Kind: qrgen.KindStall, Name: "Quầy"},
	}}
	res := do(ask("GET", "/api/v1/places?name=cho&area=01&limit=2&after="+site.String(), ""))
	var got struct {
		Places []struct {
			ID     uuid.UUID
			Parent *uuid.UUID
			Dwell  int64
		}
		After uuid.UUID
	}
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || len(got.Places) != 2 || got.After != part || got.Places[0].Parent != nil ||
		got.Places[1].Parent == nil || *got.Places[1].Parent != site || got.Places[0].Dwell != 60 || got.Places[1].Dwell != 30*60 {
		t.Errorf("status %d, %+v, %v", res.Code, got, err)
	}
	if want := (registry.Search{Organisation: b.actor.Organisation, Area: "01", Text: "cho", After: site, Limit: 2}); b.files.search != want {
		t.Errorf("it looked for %+v", b.files.search)
	}
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "after=x"} {
		if res := b.do(ask("GET", "/api/v1/places?"+query, "")); res.Code != http.StatusBadRequest {
			t.Errorf("%q: status %d", query, res.Code)
		}
	}
}

func TestFilesOfPlaces(t *testing.T) {
	b, do := owners(t)
	post := func(media, body string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodPost, "/api/v1/place-files", strings.NewReader(body))
		req.Header.Set("Content-Type", media)
		if media != "text/csv" {
			return b.do(req)
		}
		return do(req)
	}
	res := post("text/csv", "name,kind\nx,shop\n")
	if res.Code != http.StatusCreated || res.Header().Get("Location") != "/api/v1/place-files/"+fileID.String() || b.files.taken != "name,kind\nx,shop\n" ||
		!strings.Contains(res.Body.String(), `{"line":3,"column":"kind","code":"place_kind",`) {
		t.Errorf("status %d, %s", res.Code, res.Body)
	}
	if res := do(ask("GET", "/api/v1/place-files/"+fileID.String(), "")); res.Code != http.StatusOK {
		t.Errorf("again: status %d", res.Code)
	}
	if res := do(ask("GET", "/api/v1/place-files/"+uuid.NewString(), "")); res.Code != http.StatusNotFound {
		t.Errorf("another: status %d", res.Code)
	}
	if res := post("application/json", "{}"); res.Code != http.StatusUnsupportedMediaType {
		t.Errorf("JSON: status %d", res.Code)
	}
	if res := post("text/csv", strings.Repeat("x", places.MaxFile+1)); res.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long one: status %d", res.Code)
	}
	if res := do(ask("GET", "/api/v1/places.csv", "")); res.Code != http.StatusOK || res.Body.String() != "key,name\n" {
		t.Errorf("all: status %d, %q", res.Code, res.Body)
	}
	b.files.err = places.ErrFileBusy
	if res := post("text/csv", "name,kind\n"); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" {
		t.Errorf("at a busy time: status %d", res.Code)
	}
	if res := do(ask("GET", "/api/v1/places.csv", "")); res.Code != http.StatusServiceUnavailable {
		t.Errorf("an export that is not audited: status %d", res.Code)
	}
	b.actor.Role = registry.RoleCity
	if res := post("text/csv", "name,kind\n"); res.Code != http.StatusForbidden {
		t.Errorf("a tracing team: status %d", res.Code)
	}
}

// fakeDirectory has one account and one organisation.
type fakeDirectory struct{}

func (fakeDirectory) Visible(context.Context, registry.Account, registry.Cursor) (registry.Part[registry.Account], error) {
	a := registry.Account{ID: uuid.UUID{1}, Login: "gate-1", Role: registry.RoleGate, Place: uuid.UUID{2}, PasswordHash: "secret"}
	return registry.Part[registry.Account]{Records: []registry.Account{a}, Next: true}, nil
}

func (fakeDirectory) Organisations(context.Context, registry.Account, registry.Cursor) (registry.Part[registry.Organisation], error) {
	return registry.Part[registry.Organisation]{Records: []registry.Organisation{{ID: uuid.UUID{3}, Name: "Chợ"}}, Previous: true}, nil
}

func TestDirectory(t *testing.T) {
	b := newBench(t)
	b.actor = registry.Account{Role: registry.RoleAdmin}
	do := described(t, b)
	res := do(ask("GET", "/api/v1/accounts", ""))
	if text := res.Body.String(); res.Code != http.StatusOK || strings.Contains(text, "secret") || !strings.Contains(text, `"after":"`+uuid.UUID{1}.String()+`"`) {
		t.Errorf("status %d, %s", res.Code, text)
	}
	res = do(ask("GET", "/api/v1/organisations?after="+uuid.UUID{4}.String(), ""))
	if text := res.Body.String(); res.Code != http.StatusOK || !strings.Contains(text, `"before":"`+uuid.UUID{3}.String()+`"`) {
		t.Errorf("status %d, %s", res.Code, text)
	}
	if res := do(ask("GET", "/api/v1/organisations?after=x", "")); res.Code != http.StatusBadRequest {
		t.Errorf("no cursor: status %d", res.Code)
	}
}
