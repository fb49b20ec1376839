package declaration

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/truyvet/truyvet/internal/vault"
)

// The built-in forms are read from the binary as an operator's are from their folder.
func TestBuiltIn(t *testing.T) {
	forms, err := Offered(nil)
	if err != nil || len(forms) != 2 {
		t.Fatalf("%d forms, %v", len(forms), err)
	}
	for _, f := range forms {
		if f.Name == "transport" && f.HealthFrom() != 4 || f.Name == "general" && f.HealthFrom() != 0 {
			t.Errorf("of %s health is asked from question %d", f.Name, f.HealthFrom())
		}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseForm(text)
		if err != nil || !reflect.DeepEqual(f, again) {
			t.Errorf("%s is read back otherwise: %v", f.Name, err)
		}
	}
}

// TestBuiltInVersionsAreFrozen: what was answered to a version is read with its words, so that a change of them is the next version.
func TestBuiltInVersionsAreFrozen(t *testing.T) {
	forms, err := Offered(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		if f.Version != 1 {
			continue
		}
		text, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden, err := os.ReadFile(filepath.Join("testdata", f.Name+"-1.json"))
		if err != nil || string(golden) != string(text)+"\n" {
			t.Errorf("version 1 of %s is not what was given out: %v", f.Name, err)
		}
	}
}

const good = `{"name": "school", "version": 3, "title": {"vi": "Trường", "en": "School"}, "questions": [
	{"id": "class", "kind": "text", "text": {"vi": "Lớp", "en": "Class"}, "required": true},
	{"id": "since", "kind": "date", "text": {"vi": "Từ", "en": "Since"}},
	{"id": "fever", "kind": "yes_no", "text": {"vi": "Sốt", "en": "Fever"}, "required": true, "attention": ["yes"], "nothing": "no"},
	{"id": "signs", "kind": "several", "text": {"vi": "Gì", "en": "What"}, "attention": ["b"],
	 "options": [{"id": "a", "text": {"vi": "A", "en": "A"}}, {"id": "b", "text": {"vi": "B", "en": "B"}}]}]}`

// TestEveryFaultIsSaid changes the form in one way after another.
func TestEveryFaultIsSaid(t *testing.T) {
	if _, err := ParseForm([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]string{
		`"school"→"School"`:                           `the name "School"`,
		`"school"→"none"`:                             `the name "none"`,
		`"version": 3→"version": 0`:                   "the version",
		`"en": "School"→"en": " "`:                    "title and lead",
		`"id": "since"→"id": "class"`:                 `"class" comes twice`,
		`"id": "since"→"id": "Since!"`:                `"Since!": the id`,
		`"kind": "date"→"kind": "number"`:             `the kind "number"`,
		`"en": "Class"→"fr": "Classe"`:                "unknown field",
		`"vi": "Lớp", →`:                              `"class": text and hint`,
		`"attention": ["yes"]→"attention": ["maybe"]`: `"maybe", of attention`,
		`"nothing": "no"→"nothing": "yes"`:            "nothing to declare cannot need attention",
		`, "nothing": "no"→`:                          "needs the answer of who has nothing",
		`"kind": "several"→"kind": "text"`:            "only the kinds choice and several",
		`{"id": "b"→{"id": "a"`:                       `option "a" comes twice`,
		`]}]}→]}]} {}`:                                "something follows",
		`]}]}→`:                                       "reading its JSON",
	} {
		from, to, _ := strings.Cut(change, "→")
		text := strings.Replace(good, from, to, 1)
		if _, err := ParseForm([]byte(text)); text == good || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
	}
	several := strings.NewReplacer(`"school"`, `"School"`, `"version": 3`, `"version": -1`, `"date"`, `"number"`).Replace(good)
	_, err := ParseForm([]byte(several))
	for _, want := range []string{"the name", "the version", "the kind"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of several faults one is not said: %v", err)
		}
	}
}

func TestLongForms(t *testing.T) {
	f := Form{Name: "long", Version: 1, Title: Text{"a", "a"}}
	for i := range 12 {
		f.Questions = append(f.Questions, Question{ID: "q" + string(rune('a'+i)), Kind: ShortText, Text: Text{"?", "?"}})
	}
	if err := f.check(); err == nil || !strings.Contains(err.Error(), "longest answers") {
		t.Errorf("a form whose answers the vault cannot keep: %v", err)
	}
	f.Questions = f.Questions[:8]
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	answers := make(Answers)
	for _, q := range f.Questions {
		answers[q.ID] = []string{strings.Repeat("𝒳", longestAnswer)}
	}
	kept, err := f.judge(answers)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := Given{Version: 1_000_000, At: 1 << 40, Attention: true, Answers: kept}.Kept()
	if err != nil || len(text) > vault.LongestText {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

func TestFolder(t *testing.T) {
	form := func(name, version string) *fstest.MapFile {
		text := strings.Replace(strings.Replace(good, "school", name, 1), `"version": 3`, `"version": `+version, 1)
		return &fstest.MapFile{Data: []byte(text)}
	}
	forms, err := Offered(fstest.MapFS{"school-3.json": form("school", "3"), "a.json": form("school", "12"), "bus.json": form("bus", "1"), "README": form("x", "1")})
	if err != nil || len(forms) != 4 || forms[2].Name != "school" || forms[2].Version != 12 || forms[3].Name != "bus" {
		t.Errorf("%d forms, %v", len(forms), err)
	}
	for name, folder := range map[string]fstest.MapFS{
		"is one of the program":                   {"g.json": form("general", "7")},
		"two files are version 3":                 {"a.json": form("school", "3"), "b.json": form("school", "3")},
		"the form in bad.json: the name":          {"bad.json": form("Bad", "1"), "b.json": form("school", "3")},
		"the form in z.json: the version":         {"bad.json": form("Bad", "1"), "z.json": form("school", "0")},
		"the form in long.json: it has more than": {"long.json": {Data: make([]byte, longestFile+1)}},
	} {
		if _, err := Offered(folder); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if _, err := Offered(os.DirFS(filepath.Join(t.TempDir(), "none"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func FuzzParseForm(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, text []byte) {
		form, err := ParseForm(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(form)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := ParseForm(again); err != nil || !reflect.DeepEqual(form.Title, read.Title) || len(read.Questions) != len(form.Questions) {
			t.Fatalf("%s is read back otherwise: %v", again, err)
		}
	})
}
