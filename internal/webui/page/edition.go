package page

import (
	"bytes"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing"
)

//go:embed templates/*.html
var templateFiles embed.FS

// layoutFile holds the frame of every page, and partsFile what several pages share; each other file is one page.
const (
	layoutFile = "templates/layout.html"
	partsFile  = "templates/parts.html"
)

// edition is every page in one language. It is immutable.
type edition struct {
	texts Catalogue
	pages map[string]*template.Template // by the name of the file without its ending
}

func (s *Site) newEdition(l Language) (*edition, error) {
	texts, err := readCatalogue(l)
	if err != nil {
		return nil, err
	}
	opposite, err := readCatalogue(l.other())
	if err != nil {
		return nil, err
	}
	frame, err := template.New(path.Base(layoutFile)).Funcs(s.functions(texts, opposite)).
		ParseFS(templateFiles, layoutFile, partsFile)
	if err != nil {
		return nil, fmt.Errorf("reading the frame: %w", err)
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the pages: %w", err)
	}
	e := &edition{texts: texts, pages: make(map[string]*template.Template)}
	for _, file := range files {
		if file == layoutFile || file == partsFile {
			continue
		}
		page, err := frame.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the page %s: %w", file, err)
		}
		e.pages[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return e, nil
}

// functions are what templates may call. t, count and kind write in the page's language, other in the opposite one; said is of a text
// that comes in both.
func (s *Site) functions(texts, opposite Catalogue) template.FuncMap {
	return template.FuncMap{
		"t":         texts.Text,
		"other":     opposite.Text,
		"said":      func(words interface{ In(language string) string }) string { return words.In(string(texts.language)) },
		"count":     texts.count,
		"number":    texts.number,
		"duration":  texts.duration,
		"action":    texts.Action,
		"purpose":   texts.purpose,
		"kind":      func(k qrgen.Kind) string { return texts.Text("kind." + k.String()) },
		"area":      s.Areas.AreaName,
		"asset":     s.assets.path,
		"moment":    s.Reader.moment,
		"clock":     s.Reader.clock,
		"seconds":   s.Reader.clockSeconds,
		"day":       s.Reader.Day,
		"overnight": func(from, to int64) bool { return s.Reader.Day(from) != s.Reader.Day(to) },
		"machine":   s.Reader.Stamp,
		"typedday":  typedDay,
		"short":     ShortID,
		"shortday":  func(at int64) string { return s.Reader.In(at).Format("02/01") },
		"dwell":     func(k qrgen.Kind) int64 { return int64(k.Dwell().Seconds()) },
		"faulty":    faulty,
		"happened":  func(err error) string { return ProblemOf(texts, err).Happened },
		"words":     func(all ...string) []string { return all },
		"length":    func(e tracing.Evidence) int64 { return e.To - e.From },
	}
}

// ShortID is how people call a person, a case or a run: the last eight digits of its id, in two groups. The first ones
// would be much alike, for they tell the time in an id that tells it.
func ShortID(id uuid.UUID) string {
	digits := strings.ToUpper(hex.EncodeToString(id[12:]))
	return digits[:4] + "-" + digits[4:]
}

// render makes a page in memory, so that a page that fails half-way is never sent.
func (e *edition) render(name string, v view) ([]byte, error) {
	page, ok := e.pages[name]
	if !ok {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, path.Base(layoutFile), v); err != nil {
		return nil, fmt.Errorf("making the page %s: %w", name, err)
	}
	return b.Bytes(), nil
}
