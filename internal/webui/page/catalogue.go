package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed catalogue/*.json
var catalogueFiles embed.FS

// Language is the language that a page is read in: its tag as in BCP 47.
type Language string

// The languages, the default first.
const (
	vietnamese Language = "vi"
	english    Language = "en"
)

// other returns the language that the reader may switch to.
func (l Language) other() Language {
	if l == vietnamese {
		return english
	}
	return vietnamese
}

// parseLanguage returns the language of that exact tag.
func parseLanguage(tag string) (Language, bool) {
	l := Language(tag)
	return l, l == vietnamese || l == english
}

// Catalogue holds the texts of one language by their keys. It is immutable.
//
// A text may hold {placeholders}; what fills them is given by name. Texts are plain text: markup in them is shown, not
// obeyed.
type Catalogue struct {
	language Language
	texts    map[string]string
}

// readCatalogue reads the embedded texts of a language.
func readCatalogue(l Language) (Catalogue, error) {
	c := Catalogue{language: l}
	data, err := catalogueFiles.ReadFile("catalogue/" + string(l) + ".json")
	if err != nil {
		return c, fmt.Errorf("reading the texts in %s: %w", l, err)
	}
	if err := json.Unmarshal(data, &c.texts); err != nil {
		return c, fmt.Errorf("reading the texts in %s: %w", l, err)
	}
	return c, nil
}

// Text returns the text of a key with its placeholders filled from pairs of name and value. A key without a text gives
// the key, in brackets: a page with a hole is better than none, and a test keeps it from happening.
func (c Catalogue) Text(key string, pairs ...any) string {
	text, ok := c.texts[key]
	if !ok {
		return "[" + key + "]"
	}
	return fill(text, pairs)
}

// Names returns, in order, how keys go on that begin with prefix.
func (c Catalogue) Names(prefix string) []string {
	var names []string
	for key := range c.texts {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Action returns what was done, by its word in the audit log; the word itself where nothing better is known.
func (c Catalogue) Action(word string) string {
	if text, ok := c.texts["action."+word]; ok {
		return text
	}
	return word
}

// purpose returns what somebody's details were opened for, by its word in the audit log.
func (c Catalogue) purpose(word string) string {
	if text, ok := c.texts["purpose."+word]; ok {
		return text
	}
	return word
}

// has says whether there is a text of that key.
func (c Catalogue) has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// count returns the text of key + ".one" for 1 and of key + ".many" for every other number, with {n} filled by it.
func (c Catalogue) count(key string, n int, pairs ...any) string {
	form := ".many"
	if n == 1 {
		form = ".one"
	}
	return c.Text(key+form, append([]any{"n", c.number(n)}, pairs...)...)
}

func fill(text string, pairs []any) string {
	if len(pairs) == 0 {
		return text
	}
	replacements := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		replacements = append(replacements, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(replacements...).Replace(text)
}

// number writes a number with its thousands grouped as the language does.
func (c Catalogue) number(n int) string {
	separator := byte(',')
	if c.language == vietnamese {
		separator = '.'
	}
	digits := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	var b strings.Builder
	for i := range len(digits) {
		if left := len(digits) - i; i > start && left%3 == 0 {
			b.WriteByte(separator)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// duration writes a length of time in seconds in its one or two largest units of hours, minutes and seconds.
func (c Catalogue) duration(seconds int64) string {
	hours, minutes, rest := int(seconds/3600), int(seconds%3600/60), int(seconds%60)
	switch {
	case hours > 0 && minutes == 0:
		return c.Text("duration.hours", "h", c.number(hours))
	case hours > 0:
		return c.Text("duration.hours_minutes", "h", c.number(hours), "min", minutes)
	case minutes > 0 && (rest == 0 || minutes >= 10):
		return c.Text("duration.minutes", "min", minutes)
	case minutes > 0:
		return c.Text("duration.minutes_seconds", "min", minutes, "s", rest)
	}
	return c.Text("duration.seconds", "s", rest)
}
