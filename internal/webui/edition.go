package webui

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
	texts catalogue
	pages map[string]*template.Template // by the name of the file without its ending
}

func (u *UI) newEdition(l language) (*edition, error) {
	texts, err := readCatalogue(l)
	if err != nil {
		return nil, err
	}
	opposite, err := readCatalogue(l.other())
	if err != nil {
		return nil, err
	}
	frame, err := template.New(path.Base(layoutFile)).Funcs(u.functions(texts, opposite)).
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

// functions are what templates may call. t, count and kind write in the page's language, other in the opposite one.
func (u *UI) functions(texts, opposite catalogue) template.FuncMap {
	return template.FuncMap{
		"t":         texts.text,
		"other":     opposite.text,
		"count":     texts.count,
		"number":    texts.number,
		"duration":  texts.duration,
		"action":    texts.action,
		"purpose":   texts.purpose,
		"kind":      func(k qrgen.Kind) string { return texts.text("kind." + k.String()) },
		"area":      u.Map.AreaName,
		"asset":     u.assets.path,
		"moment":    u.reader.moment,
		"clock":     u.reader.clock,
		"seconds":   u.reader.clockSeconds,
		"day":       u.reader.day,
		"overnight": func(from, to int64) bool { return u.reader.day(from) != u.reader.day(to) },
		"machine":   u.reader.stamp,
		"typedday":  typedDay,
		"short":     shortID,
		"shortday":  func(at int64) string { return u.reader.in(at).Format("02/01") },
		"dwell":     func(k qrgen.Kind) int64 { return int64(k.Dwell().Seconds()) },
		"faulty":    faulty,
		"happened":  func(err error) string { return problemOf(texts, err).Happened },
		"length":    func(e tracing.Evidence) int64 { return e.To - e.From },
	}
}

// shortID is how people call a person, a case or a run: the last eight digits of its id, in two groups. The first ones
// would be much alike, for they tell the time in an id that tells it.
func shortID(id uuid.UUID) string {
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
