package declaration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/vault"
)

// ErrAnswers refuses answers. Its cause is a *Unanswered. Compare with errors.Is.
var ErrAnswers = errs.New(errs.Invalid, "declaration_answers", "Some questions are not answered, or not with what they ask for.")

// Unanswered names the questions whose answers are missing or are none. It holds nothing of the answers.
type Unanswered struct{ Questions []string }

func (u *Unanswered) Error() string { return "the questions " + strings.Join(u.Questions, ", ") }

// Answers are answers by the ids of their questions: the ids of what was chosen, or what was typed.
type Answers map[string][]string

// Nothing answers for somebody who has nothing else to declare what the form asks about their health and has no answer yet.
func (f Form) Nothing(a Answers) {
	for _, q := range f.Questions[f.HealthFrom():] {
		if len(a[q.ID]) == 0 && q.Nothing != "" {
			a[q.ID] = []string{q.Nothing}
		}
	}
}

// judge brings answers into the form in which they are kept. Of questions that the form does not have nothing stays. The error is
// ErrAnswers.
func (f Form) judge(given Answers) (Answers, error) {
	kept := make(Answers)
	var wrong []string
	for _, q := range f.Questions {
		answers, ok := q.judge(given[q.ID])
		if !ok || q.Required && len(answers) == 0 {
			wrong = append(wrong, q.ID)
		}
		if len(answers) > 0 {
			kept[q.ID] = answers
		}
	}
	if wrong != nil {
		return nil, ErrAnswers.Because(&Unanswered{wrong})
	}
	return kept, nil
}

// judge returns the answers to a question as they are kept, and whether they are such.
func (q Question) judge(given []string) (answers []string, ok bool) {
	for _, text := range given {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			answers = append(answers, text)
		}
	}
	if len(answers) == 0 {
		return nil, true
	}
	if len(answers) > 1 && q.Kind != Several {
		return nil, false
	}
	switch q.Kind {
	case ShortText:
		text := answers[0]
		return answers, utf8.ValidString(text) && utf8.RuneCountInString(text) <= longestAnswer && strings.IndexFunc(text, unicode.IsControl) < 0
	case Date:
		day, err := time.Parse(time.DateOnly, answers[0])
		return answers, err == nil && day.Year() >= 1900 && day.Year() <= 2199
	}
	for _, answer := range answers {
		if !q.chooses(answer) {
			return nil, false
		}
	}
	position := func(id string) int { return slices.IndexFunc(q.Choices(), func(o Option) bool { return o.ID == id }) }
	slices.SortFunc(answers, func(a, b string) int { return cmp.Compare(position(a), position(b)) })
	return slices.Compact(answers), true
}

// attention says whether somebody should look at the answers.
func (f Form) attention(a Answers) bool {
	return slices.ContainsFunc(f.Questions, func(q Question) bool { return q.attention(a[q.ID]) })
}

func (q Question) attention(answers []string) bool {
	return slices.ContainsFunc(answers, func(answer string) bool { return slices.Contains(q.Attention, answer) })
}

// Given is a declaration as it was given. Of one that is damaged, or whose form is gone, it is known that there is one: its day, At
// (where nothing better is known the beginning of the day) and form.
type Given struct {
	Day       string  `json:"-"` // local
	Form      string  `json:"-"`
	Version   int     `json:"version"`
	At        int64   `json:"at"`
	Attention bool    `json:"attention,omitempty"`
	Answers   Answers `json:"answers"`

	Unreadable bool `json:"-"`
}

// Take makes a declaration of answers that were given to the form on a local day, 2006-01-02, at an instant. The error is ErrAnswers.
func (f Form) Take(day string, at int64, answers Answers) (Given, error) {
	kept, err := f.judge(answers)
	if err != nil {
		return Given{}, err
	}
	return Given{Day: day, Form: f.Name, Version: f.Version, At: at, Attention: f.attention(kept), Answers: kept}, nil
}

// Kept is what the vault keeps of a declaration, and in which field.
func (g Given) Kept() (vault.Field, string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(g); err != nil {
		return "", "", fmt.Errorf("writing a declaration: %w", err)
	}
	return vault.DeclarationField(g.Day, g.Form), strings.TrimSuffix(out.String(), "\n"), nil
}

// givenIn returns the declarations among somebody's details, the newest first. Their days are those of location.
func givenIn(details vault.Details, location *time.Location) []Given {
	var all []Given
	for field, text := range details {
		day, form, is := field.Declaration()
		if !is {
			continue
		}
		g := Given{Day: day, Form: form}
		if json.Unmarshal([]byte(text), &g) != nil {
			g = Given{Day: day, Form: form, Unreadable: true}
			if start, err := time.ParseInLocation(time.DateOnly, day, location); err == nil {
				g.At = start.Unix()
			}
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Given) int { return cmp.Or(cmp.Compare(b.At, a.At), strings.Compare(a.Form, b.Form)) })
	return all
}
