package declaration

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

//go:embed forms/*.json
var builtin embed.FS

// longestFile is how many bytes the file of a form may have.
const longestFile = 64 << 10

// Offered returns the forms that places may ask for: those of the program, and those in the files *.json of a folder, which may be
// nil. Of those with one name in the folder the newest version is offered. The error says everything that is wrong with every
// file.
func Offered(folder fs.FS) ([]Form, error) {
	own, err := readForms(builtin, "forms")
	if err != nil || folder == nil {
		return newest(own), err
	}
	given, err := readForms(folder, ".")
	if err != nil {
		return nil, err
	}
	versions := make(map[string]map[int]bool)
	var faults []error
	for _, f := range own {
		versions[f.Name] = nil
	}
	for _, f := range given {
		of, there := versions[f.Name]
		switch {
		case there && of == nil:
			faults = append(faults, fmt.Errorf("the form %s is one of the program: give yours another name", f.Name))
			continue
		case !there:
			of = make(map[int]bool)
			versions[f.Name] = of
		}
		if of[f.Version] {
			faults = append(faults, fmt.Errorf("two files are version %d of the form %s", f.Version, f.Name))
		}
		of[f.Version] = true
	}
	return newest(append(own, given...)), errors.Join(faults...)
}

// newest leaves of each form the newest version, in the order in which they come.
func newest(forms []Form) []Form {
	var offered []Form
	position := make(map[string]int)
	for _, f := range forms {
		at, there := position[f.Name]
		switch {
		case !there:
			position[f.Name] = len(offered)
			offered = append(offered, f)
		case offered[at].Version < f.Version:
			offered[at] = f
		}
	}
	return offered
}

// readForms reads the forms in a folder, in the order of the names of their files.
func readForms(folder fs.FS, dir string) ([]Form, error) {
	files, err := fs.Glob(folder, path.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for forms: %w", err)
	}
	if _, err := fs.Stat(folder, dir); err != nil {
		return nil, fmt.Errorf("looking for forms: %w", err)
	}
	var forms []Form
	var faults []error
	for _, file := range files {
		f, err := readForm(folder, file)
		if err != nil {
			faults = append(faults, fmt.Errorf("the form in %s: %w", path.Base(file), err))
		}
		forms = append(forms, f)
	}
	return forms, errors.Join(faults...)
}

func readForm(folder fs.FS, file string) (f Form, err error) {
	in, err := folder.Open(file)
	if err != nil {
		return f, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, longestFile+1))
	if err != nil {
		return f, err
	}
	if len(text) > longestFile {
		return f, fmt.Errorf("it has more than %d bytes", longestFile)
	}
	return ParseForm(text)
}

// ParseForm reads a form as its file holds it, in JSON. The error says everything that is wrong with it.
func ParseForm(text []byte) (f Form, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return Form{}, fmt.Errorf("reading its JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Form{}, errors.New("something follows its JSON")
	}
	return f, f.check()
}
