package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
)

// bureau is a data folder that commands work in.
type bureau struct {
	t    *testing.T
	data string
}

func newBureau(t *testing.T) *bureau {
	t.Helper()
	b := &bureau{t: t, data: filepath.Join(t.TempDir(), "data")}
	b.must(newInitCmd)
	return b
}

// run runs a command in the data folder.
func (b *bureau) run(command func(*settings) *cobra.Command, args ...string) (string, error) {
	b.t.Helper()
	cmd := command(&settings{env: []string{"TRUYVET_DATA=" + b.data}, values: make(map[string]*string)})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(b.t.Context())
	return out.String(), err
}

func (b *bureau) must(command func(*settings) *cobra.Command, args ...string) string {
	b.t.Helper()
	out, err := b.run(command, args...)
	if err != nil {
		b.t.Fatalf("%q: %v", args, err)
	}
	return out
}

// store opens the registry beside the commands.
func (b *bureau) store() *sqlstore.Store {
	b.t.Helper()
	s, err := sqlstore.Open(b.t.Context(), filepath.Join(b.data, "registry.db"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return s
}

func TestAreasImport(t *testing.T) {
	b := newBureau(t)
	load := func(text string) (string, error) { return b.run(newAreasCmd, "import", file(t, "areas.csv", text)) }
	// A child before its parent, the columns in another order, one that is not known, and a byte order mark.
	out, err := load("\ufeffname,code,level,parent,note\nPhúc Xá,00001,ward,001,\nBa Đình,001,district,01,x\nHà Nội,01,province,,\n")
	if err != nil || out != "3 areas\n" {
		t.Fatalf("%q, %v", out, err)
	}
	if out, err := load("code,level,parent,name\n00004,ward,001,Trúc Bạch\n"); err != nil || out != "1 areas\n" {
		t.Errorf("a ward of a district that is there: %q, %v", out, err)
	}
	for name, c := range map[string]struct {
		text, says string
		want       error
	}{
		"no such level":     {"code,level,parent,name\n02,province,,A\n03,hamlet,02,B\n", "areas.csv:3: ", registry.ErrAreas},
		"unknown parent":    {"code,level,parent,name\n\n002,district,99,A\n", "areas.csv:3: ", registry.ErrDangling},
		"parent not wider":  {"code,level,parent,name\n002,district,001,A\n", "areas.csv:2: ", registry.ErrAreas},
		"under its own":     {"code,level,parent,name\n01,province,00001,A\n", "areas.csv:2: ", registry.ErrAreas},
		"a code twice":      {"code,level,parent,name\n02,province,,A\n02,province,,B\n", "areas.csv:3: column code", nil},
		"no code":           {"code,level,parent,name\n ,province,,A\n", "areas.csv:2: column code", nil},
		"no name":           {"code,level,parent,name\n02,province,, \n", "areas.csv:2: column name", nil},
		"a column too few":  {"code,level,name\n02,province,A\n", "column parent is missing", nil},
		"a field too few":   {"code,level,parent,name\n02,province,A\n", "areas.csv:2: ", nil},
		"a row's own fault": {"code,level,parent,name\n02,province,,A\n001,ward,01,now a ward beneath its ward\n", "lies in", registry.ErrAreas},
	} {
		_, err := load(c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	areas, err := b.store().Areas(t.Context())
	if err != nil || len(areas) != 4 {
		t.Errorf("%d areas are there, %v", len(areas), err)
	}
}

func TestPlacesImportAndFind(t *testing.T) {
	b := newBureau(t)
	b.must(newAccountCmd, "create", "--login", "ben", "--role", "owner", "--organisation", "Chợ Bến")
	owners, err := b.store().Organisations(t.Context())
	if err != nil || len(owners) != 1 {
		t.Fatalf("%+v, %v", owners, err)
	}
	report := filepath.Join(t.TempDir(), "report.csv")
	list := file(t, "places.csv", "key,parent,name,kind\ncho,,Chợ Đồng Xuân,market\n,cho,Quầy 1,stall\n,cho,Quầy 2,booth\n")
	out, err := b.run(newPlacesCmd, "import", list, "--organisation", owners[0].ID.String(), "--report", report)
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != ExitRefused || out != "2 places added, 1 rows refused\n" {
		t.Fatalf("%q, %v", out, err)
	}
	if text, err := os.ReadFile(report); err != nil || string(text) != "line,column,reason\n4,kind,The kind of place is not known.\n" {
		t.Errorf("the report is %q, %v", text, err)
	}
	if found := b.must(newPlacesCmd, "find", "dong", "CHO"); strings.Count(found, "\n") != 1 || !strings.Contains(found, "\tmarket\tChợ Đồng Xuân\t") {
		t.Errorf("found is %q", found)
	}
	if found := b.must(newPlacesCmd, "find", "--organisation", owners[0].ID.String()); strings.Count(found, "\n") != 2 {
		t.Errorf("found is %q", found)
	}
	entries, err := b.store().AuditEntries(t.Context(), 0, 1)
	if err != nil || len(entries) != 1 || entries[0].Action != "places_imported" || entries[0].Detail != "2 added, 1 refused" {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	again := file(t, "again.csv", b.must(newPlacesCmd, "export", "--organisation", owners[0].ID.String()))
	if out, err := b.run(newPlacesCmd, "import", again, "--organisation", owners[0].ID.String()); out != "0 places added, 2 rows refused\n" || !errors.As(err, &exit) {
		t.Errorf("given back: %q, %v", out, err)
	}
	for _, args := range [][]string{{"import", list}, {"import", list, "--organisation", uuid.NewString()}, {"export", "--organisation", uuid.NewString()}, {"find", "--organisation", "x"}} {
		if _, err := b.run(newPlacesCmd, args...); err == nil {
			t.Errorf("%q succeeds", args)
		}
	}
}

func TestAccountCreate(t *testing.T) {
	b := newBureau(t)
	s := b.store()
	organisations := func(want int) []registry.Organisation {
		t.Helper()
		all, err := s.Organisations(t.Context())
		if err != nil || len(all) != want {
			t.Fatalf("%d organisations, want %d, %v", len(all), want, err)
		}
		return all
	}
	create := func(args ...string) (string, error) {
		return b.run(newAccountCmd, append([]string{"create"}, args...)...)
	}
	for _, refused := range []struct {
		args []string
		want error
	}{
		{[]string{"--login", "!", "--role", "owner", "--organisation", "Chợ Bến"}, account.ErrLogin},
		{[]string{"--login", "ben", "--role", "admin", "--organisation", "Chợ Bến"}, account.ErrRole},
		{[]string{"--login", "ben", "--role", "owner", "--area", "01", "--organisation", "Chợ Bến"}, account.ErrRole},
		{[]string{"--login", "ben", "--role", "owner", "--organisation", " "}, account.ErrOrganisation},
		{[]string{"--login", "ben", "--role", "owner"}, account.ErrRole},
		{[]string{"--login", "ben", "--role", "owner", "--organisation", uuid.NewString()}, registry.ErrDangling},
	} {
		if out, err := create(refused.args...); !errors.Is(err, refused.want) || out != "" {
			t.Errorf("%q: %q, %v", refused.args, out, err)
		}
	}
	organisations(0)

	out, err := create("--login", "ben", "--role", "owner", "--organisation", "Chợ Bến")
	if err != nil {
		t.Fatal(err)
	}
	made := organisations(1)[0]
	if made.Name != "Chợ Bến" || !strings.Contains(out, made.ID.String()) {
		t.Errorf("made %+v and said %q", made, out)
	}
	if _, err := create("--login", "ben", "--role", "owner", "--organisation", "Chợ Bến"); !errors.Is(err, account.ErrLoginTaken) {
		t.Errorf("again: %v", err)
	}
	if _, err := create("--login", "ben2", "--role", "owner", "--organisation", made.ID.String()); err != nil {
		t.Errorf("a second owner: %v", err)
	}
	organisations(1)
	for _, login := range []string{"ben", "ben2"} {
		if a, err := s.AccountByLogin(t.Context(), login); err != nil || a.Organisation != made.ID {
			t.Errorf("%s: %+v, %v", login, a, err)
		}
	}
}

func TestCitizenRevokeAndErase(t *testing.T) {
	const phone, card, secret = "0912 345 678", "001099012345", "0912345678"
	b := newBureau(t)
	s := b.store()
	secrets, err := config.ReadSecrets(filepath.Join(b.data, "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	pseudonyms, err := citizen.NewPseudonyms(secrets.Pseudonym)
	if err != nil {
		t.Fatal(err)
	}
	alias, _ := pseudonyms.Phone(phone)
	cardAlias, _ := pseudonyms.IDCard(card)
	person := registry.Person{ID: uuid.New()}
	err = s.PutPeople(t.Context(), []registry.Person{person}, []registry.Link{
		{Alias: alias, Person: person.ID, Kind: citizen.KindPhone}, {Alias: cardAlias, Person: person.ID, Kind: citizen.KindIDCard},
	})
	if err != nil {
		t.Fatal(err)
	}
	child := registry.Person{ID: uuid.New()}
	childLink := registry.Link{Alias: uuid.New(), Person: child.ID, Kind: citizen.KindDependant}
	if err := s.PutDependant(t.Context(), registry.Dependant{Person: child.ID, Guardian: person.ID, Number: 1}, child, childLink); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		usage bool
	}{
		{nil, true},
		{[]string{"--phone", phone, "--id-card", card}, true},
		{[]string{"--phone", "12345"}, true},
		{[]string{"--id-card", secret}, true},
		{[]string{"--phone", "0999999999"}, false},
	} {
		for _, act := range []string{"revoke", "erase"} {
			_, err := b.run(newCitizenCmd, append([]string{act}, c.args...)...)
			var exit *ExitError
			if err == nil || errors.As(err, &exit) != c.usage || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "0999999999") {
				t.Errorf("%s %q: %v", act, c.args, err)
			}
		}
	}
	if world, err := s.World(t.Context()); err != nil || len(world.Erased) != 0 {
		t.Errorf("erased is %v, %v", world.Erased, err)
	}
	if revoked, err := s.RevokedCredentials(t.Context()); err != nil || len(revoked) != 0 {
		t.Errorf("revoked are %v, %v", revoked, err)
	}
	for _, args := range [][]string{{"--phone", phone}, {"--id-card", card}} {
		b.must(newCitizenCmd, append([]string{"revoke"}, args...)...)
	}
	revoked, err := s.RevokedCredentials(t.Context())
	if err != nil || revoked[alias] == 0 || revoked[cardAlias] == 0 {
		t.Errorf("revoked are %v, %v", revoked, err)
	}
	entries, err := s.AuditEntries(t.Context(), 0, 10)
	if err != nil || len(entries) != 2 || entries[0].Action != "sign_ins_revoked" || entries[0].Subject != person.ID.String() {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}

	b.must(newCitizenCmd, "erase", "--phone", phone, "--alone")
	world, err := s.World(t.Context())
	if err != nil || len(world.Erased) != 2 || world.Erased[alias] < time.Now().Unix() || world.Erased[cardAlias] == 0 {
		t.Errorf("erased is %v, %v", world.Erased, err)
	}
	entries, err = s.AuditEntries(t.Context(), 0, 10)
	if err != nil || len(entries) != 3 || entries[0].Action != "scans_erased" || entries[0].Subject != person.ID.String() {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	if out := b.must(newCitizenCmd, "erase", "--id-card", card); !strings.Contains(out, "1 of 1 under this phone are erased") {
		t.Errorf("erasing says %q", out)
	}
	if world, err = s.World(t.Context()); err != nil || len(world.Erased) != 3 || world.Erased[childLink.Alias] == 0 {
		t.Errorf("erased is %v, %v", world.Erased, err)
	}
}

// TestAccountCommands lists accounts, and stops, renews and enables them, as one person may who has the server.
func TestAccountCommands(t *testing.T) {
	b := newBureau(t)
	b.must(newAreasCmd, "import", file(t, "areas.csv", "code,level,parent,name\n01,province,,Hà Nội\n00001,ward,01,Phúc Xá\n"))
	first := b.must(newAccountCmd, "create", "--login", "thanh-pho", "--role", "city", "--area", "01")
	for _, more := range [][]string{{"city", "01"}, {"ward", "00001"}, {"auditor", ""}} {
		args := []string{"create", "--login", "them", "--role", more[0]}
		if more[1] != "" {
			args = append(args, "--area", more[1])
		}
		if out, err := b.run(newAccountCmd, args...); !errors.Is(err, account.ErrTakesTwo) || out != "" {
			t.Errorf("one more %s: %q, %v", more[0], out, err)
		}
	}
	b.must(newAccountCmd, "create", "--login", "quan-tri", "--role", "admin")
	if out := b.must(newAccountCmd, "list"); !strings.Contains(out, "quan-tri   admin  -   password alone  active\n") ||
		!strings.Contains(out, "thanh-pho  city   01  password alone  active\n") {
		t.Errorf("the list is\n%s", out)
	}
	if _, err := b.run(newAccountCmd, "renew", "thanh-pho"); !errors.Is(err, account.ErrTakesTwo) {
		t.Errorf("renewing a city that can log in: %v", err)
	}
	b.must(newAccountCmd, "disable", "Thanh-Pho")
	if out := b.must(newAccountCmd, "list"); !strings.Contains(out, "thanh-pho  city   01  password alone  disabled\n") {
		t.Errorf("the list is\n%s", out)
	}
	renewed := b.must(newAccountCmd, "renew", "thanh-pho")
	if !strings.HasPrefix(renewed, "password      ") || strings.Contains(first, strings.Fields(renewed)[1]) {
		t.Errorf("renewing says %q", renewed)
	}
	b.must(newAccountCmd, "disable", "quan-tri")
	b.must(newAccountCmd, "enable", "quan-tri")
	s := b.store()
	city, err := s.AccountByLogin(t.Context(), "thanh-pho")
	if err != nil || city.Disabled {
		t.Fatalf("the city is %+v, %v", city, err)
	}
	in := registry.SignIn{ID: uuid.New(), Account: city.ID, Began: 0, Seen: 60, Expires: time.Now().Add(time.Hour).Unix(), Browser: "Firefox, Linux"}
	if err := s.PutSignIn(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	want := in.ID.String() + "  began 1970-01-01T00:00:00Z  seen 1970-01-01T00:01:00Z  Firefox, Linux\n"
	if out := b.must(newAccountCmd, "sessions", "thanh-pho"); out != want {
		t.Errorf("the sessions are %q, want %q", out, want)
	}
	if out := b.must(newAccountCmd, "sessions", "thanh-pho", "--end"); out != "ended         1\n" {
		t.Errorf("ending them says %q", out)
	}
	if out := b.must(newAccountCmd, "sessions", "thanh-pho"); out != "" {
		t.Errorf("the sessions are %q", out)
	}
	for _, act := range []string{"disable", "enable", "renew", "sessions"} {
		if _, err := b.run(newAccountCmd, act, "nobody"); err == nil || !strings.Contains(err.Error(), "no account of this login") {
			t.Errorf("%s of nobody: %v", act, err)
		}
	}
	var told []string
	entries, err := s.AuditEntries(t.Context(), 0, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(entries) {
		told = append(told, e.Actor+" "+e.Action)
	}
	wanted := []string{
		"system account_created", "system account_created", "system account_disabled", "system account_renewed",
		"system account_disabled", "system account_enabled", "system sessions_ended",
	}
	if !slices.Equal(told, wanted) {
		t.Errorf("the audit log has %q, want %q", told, wanted)
	}
}
