// Package declaration is what people declare of their health where a place asks for it: forms that are data, the answers that are
// given to them, once a day, and who may learn what of them.
//
// Answers are in the vault and nowhere else. Their giver reads them, and a tracing team with the other details of somebody in
// a list; a door learns whether somebody has declared today, and whether with something that needs attention.
package declaration

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// Text is a text in the languages of the pages.
type Text struct {
	Vi string `json:"vi"`
	En string `json:"en"`
}

// In returns the text in a language, vi or en.
func (t Text) In(language string) string {
	if language == "en" {
		return t.En
	}
	return t.Vi
}

// Kind says how a question is answered.
type Kind string

// The kinds of question. The words stand in files and are kept.
const (
	YesNo     Kind = "yes_no"
	Choice    Kind = "choice"  // one of the options
	Several   Kind = "several" // any of the options
	ShortText Kind = "text"
	Date      Kind = "date" // 2006-01-02
)

// The bounds of a form. Its longest answers fit into a detail of the vault.
const (
	mostQuestions = 30
	mostOptions   = 30
	longestName   = 32
	longestText   = 300 // characters of what a form says
	longestAnswer = 100 // and of a short text
	byteEach      = 4   // of a character, escapes included
	aroundAnswers = 200 // bytes of a declaration beside its answers
)

// Option is an answer to choose.
type Option struct {
	ID   string `json:"id"`
	Text Text   `json:"text"`
}

// Question is one question of a form.
type Question struct {
	ID        string   `json:"id"`
	Kind      Kind     `json:"kind"`
	Text      Text     `json:"text"`
	Hint      Text     `json:"hint,omitzero"`
	Required  bool     `json:"required,omitempty"`
	Options   []Option `json:"options,omitempty"`   // of Choice and Several
	Attention []string `json:"attention,omitempty"` // the answers that somebody should look at
	Nothing   string   `json:"nothing,omitempty"`   // the answer of who has nothing to declare
}

// The answers to a YesNo.
var yesNo = []Option{{"yes", Text{"Có", "Yes"}}, {"no", Text{"Không", "No"}}}

// Choices returns the answers to choose from, none of what is typed.
func (q Question) Choices() []Option {
	if q.Kind == YesNo {
		return yesNo
	}
	return q.Options
}

// chooses says whether an answer is one to choose.
func (q Question) chooses(answer string) bool {
	return slices.ContainsFunc(q.Choices(), func(o Option) bool { return o.ID == answer })
}

// Form is one version of a form.
type Form struct {
	Name      string     `json:"name"`
	Version   int        `json:"version"`
	Title     Text       `json:"title"`
	Lead      Text       `json:"lead,omitzero"`
	Questions []Question `json:"questions"`
}

// Names returns what forms are called.
func Names(forms []Form) []string {
	names := make([]string, len(forms))
	for i, f := range forms {
		names[i] = f.Name
	}
	return names
}

// HealthFrom returns the position of the first question that may need attention: whoever has nothing to declare answers those before
// it and, with one tap, the rest. It is the number of questions where none may.
func (f Form) HealthFrom() int {
	n := slices.IndexFunc(f.Questions, func(q Question) bool { return len(q.Attention) > 0 })
	if n < 0 {
		return len(f.Questions)
	}
	return n
}

// name is what forms, questions and options are called by: it stands in addresses and in what is kept.
var name = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// check returns everything that is wrong with a form.
func (f Form) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !name.MatchString(f.Name) || f.Name == registry.NoForm {
		fault("the name %q is not up to 32 small letters, digits, - and _, or is %q", f.Name, registry.NoForm)
	}
	if f.Version < 1 || f.Version > 1_000_000 {
		fault("the version is not a number from 1")
	}
	if f.Title.missing() || f.Lead != (Text{}) && f.Lead.missing() {
		fault("title and lead are not both in vi and en, of up to %d characters", longestText)
	}
	if n := len(f.Questions); n == 0 || n > mostQuestions {
		fault("it has %d questions, not 1 to %d", n, mostQuestions)
	}
	seen, size := make(map[string]bool), aroundAnswers
	for i, q := range f.Questions {
		if seen[q.ID] {
			fault("question %q comes twice", q.ID)
		}
		seen[q.ID] = true
		for _, err := range q.check(i >= f.HealthFrom()) {
			fault("question %q: %w", q.ID, err)
		}
		size += q.size()
	}
	if size > vault.LongestText {
		fault("its longest answers have %d bytes, more than %d: fewer questions of the kind text or fewer options", size, vault.LongestText)
	}
	return errors.Join(faults...)
}

// missing says whether a text lacks a language, or is too long.
func (t Text) missing() bool {
	return slices.ContainsFunc([]string{t.Vi, t.En}, func(text string) bool {
		return strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > longestText
	})
}

// check returns what is wrong with a question. Health says that it is, or comes after, one that may need attention.
func (q Question) check(health bool) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !name.MatchString(q.ID) {
		fault("the id is not up to 32 small letters, digits, - and _")
	}
	if q.Text.missing() || q.Hint != (Text{}) && q.Hint.missing() {
		fault("text and hint are not both in vi and en, of up to %d characters", longestText)
	}
	switch q.Kind {
	case Choice, Several:
		if n := len(q.Options); n == 0 || n > mostOptions {
			fault("it has %d options, not 1 to %d", n, mostOptions)
		}
	case YesNo, ShortText, Date:
		if len(q.Options) > 0 {
			fault("only the kinds choice and several have options")
		}
	default:
		fault("the kind %q is none of yes_no, choice, several, text, date", q.Kind)
	}
	seen := make(map[string]bool)
	for _, o := range q.Options {
		if !name.MatchString(o.ID) || seen[o.ID] || o.Text.missing() {
			fault("option %q comes twice, or has no good id or no text in vi and en", o.ID)
		}
		seen[o.ID] = true
	}
	for _, answer := range append(slices.Clone(q.Attention), q.Nothing) {
		if answer != "" && !q.chooses(answer) {
			fault("%q, of attention or nothing, is no answer to choose", answer)
		}
	}
	if q.Nothing != "" && slices.Contains(q.Attention, q.Nothing) {
		fault("the answer of who has nothing to declare cannot need attention")
	}
	if health && q.Required && q.Nothing == "" {
		fault("it is required and comes after what may need attention, so it needs the answer of who has nothing to declare")
	}
	return faults
}

// size is how many bytes the longest answer takes.
func (q Question) size() int {
	size := len(q.ID) + len(`"":["",],`)
	switch q.Kind {
	case ShortText:
		return size + longestAnswer*byteEach
	case Several:
		for _, o := range q.Options {
			size += len(o.ID) + len(`"",`)
		}
		return size
	default:
		return size + longestName
	}
}
