package declaration

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/vault"
)

func school(t testing.TB) Form {
	t.Helper()
	f, err := ParseForm([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestJudge(t *testing.T) {
	f := school(t)
	for name, test := range map[string]struct {
		given, kept Answers
		wrong       []string
		attention   bool
	}{
		"all":             {Answers{"class": {" 5A  2 "}, "since": {"2021-12-03"}, "fever": {"no"}, "signs": {"b", "a", "b"}}, Answers{"class": {"5A 2"}, "since": {"2021-12-03"}, "fever": {"no"}, "signs": {"a", "b"}}, nil, true},
		"what is needed":  {Answers{"class": {"5A"}, "fever": {"yes"}, "since": {""}}, Answers{"class": {"5A"}, "fever": {"yes"}}, nil, true},
		"no attention":    {Answers{"class": {"5A"}, "fever": {"no"}, "signs": {"a"}}, Answers{"class": {"5A"}, "fever": {"no"}, "signs": {"a"}}, nil, false},
		"more than asked": {Answers{"class": {"5A"}, "fever": {"no"}, "other": {"x"}}, Answers{"class": {"5A"}, "fever": {"no"}}, nil, false},
		"nothing":         {nil, nil, []string{"class", "fever"}, false},
		"wrong answers":   {Answers{"class": {strings.Repeat("x", 101)}, "since": {"03/12/2021"}, "fever": {"no", "yes"}, "signs": {"c"}}, nil, []string{"class", "since", "fever", "signs"}, false},
		"no text":         {Answers{"class": {"a\x00"}, "since": {"0001-01-01"}, "fever": {"No"}}, nil, []string{"class", "since", "fever"}, false},
	} {
		kept, err := f.judge(test.given)
		var wrong *Unanswered
		if errors.As(err, &wrong) != (test.wrong != nil) || wrong != nil && !slices.Equal(wrong.Questions, test.wrong) {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(kept, test.kept) || f.attention(kept) != test.attention {
			t.Errorf("%s: kept %q, attention %v", name, kept, f.attention(kept))
		}
	}
}

// TestNothing: one tap answers what is left of health, and no more.
func TestNothing(t *testing.T) {
	f := school(t)
	a := Answers{"class": {"5A"}, "signs": {"b"}}
	f.Nothing(a)
	if !reflect.DeepEqual(a, Answers{"class": {"5A"}, "signs": {"b"}, "fever": {"no"}}) {
		t.Errorf("%q", a)
	}
	a = Answers{"fever": {"yes"}}
	f.Nothing(a)
	if _, err := f.judge(a); !errors.Is(err, ErrAnswers) || a["fever"][0] != "yes" {
		t.Errorf("%q, %v", a, err)
	}
}

// TestKeptAnswersAreJudgedTheSame has any answers given: what is kept of them is kept again as it is, holds only what the form has, and
// comes back from the vault's text.
func TestKeptAnswersAreJudgedTheSame(t *testing.T) {
	f := school(t)
	words := rapid.SampledFrom([]string{"yes", "no", "a", "b", "", " ", "5A", "2021-12-03", "\x00", `"<&>"`, "Nguyễn", " "})
	rapid.Check(t, func(rt *rapid.T) {
		given := rapid.MapOf(rapid.SampledFrom([]string{"class", "since", "fever", "signs", "other"}), rapid.SliceOfN(words, 0, 3)).Draw(rt, "given")
		kept, err := f.judge(given)
		if err != nil {
			return
		}
		again, err := f.judge(kept)
		if err != nil || !reflect.DeepEqual(kept, again) {
			rt.Fatalf("%q is kept as %q and again as %q, %v", given, kept, again, err)
		}
		if _, foreign := kept["other"]; foreign || len(kept["class"]) != 1 || len(kept["fever"]) != 1 {
			rt.Fatalf("%q is kept of %q", kept, given)
		}
		g := Given{Day: "2021-12-03", Form: "school", Version: 3, At: 5, Attention: f.attention(kept), Answers: kept}
		field, text, err := g.Kept()
		if err != nil {
			rt.Fatal(err)
		}
		back := givenIn(vault.Details{field: text, vault.Name: "Ánh"}, time.UTC)
		if len(back) != 1 || !reflect.DeepEqual(back[0], g) {
			rt.Fatalf("%q comes back as %+v", text, back)
		}
	})
}

// TestKeptFormat: declarations of this form are in vaults.
func TestKeptFormat(t *testing.T) {
	g := Given{Version: 3, At: 1638500000, Attention: true, Answers: Answers{"class": {`5A "x" <b>`}, "signs": {"a", "b"}}}
	const want = `{"version":3,"at":1638500000,"attention":true,"answers":{"class":["5A \"x\" <b>"],"signs":["a","b"]}}`
	if _, text, err := g.Kept(); err != nil || text != want {
		t.Errorf("%s, %v", text, err)
	}
	for _, damaged := range []string{"", "x", `{"version":"3"}`, `[]`} {
		details := vault.Details{vault.DeclarationField("2021-12-03", "school"): damaged}
		want := []Given{{Day: "2021-12-03", Form: "school", At: 1638464400, Unreadable: true}} // 00:00 in Ha Noi
		if got := givenIn(details, time.FixedZone("ICT", 7*3600)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v", damaged, got)
		}
	}
}

func TestFill(t *testing.T) {
	f := school(t)
	filled := fill(f, Given{Answers: Answers{"since": {"2021-12-03"}, "fever": {"yes"}, "signs": {"a", "b"}, "gone": {"x"}}})
	got := make(map[string]string)
	for _, line := range filled.Lines {
		var texts []string
		for _, a := range line.Answers {
			texts = append(texts, a.In("vi")+"/"+a.In("en"))
		}
		if line.Attention {
			texts = append(texts, "!")
		}
		got[line.Question.En] = strings.Join(texts, " ")
	}
	if want := map[string]string{"Since": "03/12/2021/03/12/2021", "Fever": "Có/Yes !", "What": "A/A B/B !"}; !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
