package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// NamedHead is a head and where it was found.
type NamedHead struct {
	Name string
	SignedHead
}

const (
	headPrefix = "audit-head-"
	headSuffix = ".json"
)

// headName is the name of the file of a UTC day.
func headName(day time.Time) string { return headPrefix + day.UTC().Format(time.DateOnly) + headSuffix }

// ExportHead writes the signed end of the log into each of the folders as audit-head-2006-01-02.json, by the UTC day of now, and
// makes a folder that is not there. A day's first file stays: where every folder has it, nothing is done, and of several
// processes at once one writes it. Then the log has an entry of it. It reports whether it wrote one; with the error of a folder
// the others have been written.
func (l *Log) ExportHead(ctx context.Context, folders ...string) (wrote bool, err error) {
	name := headName(l.clock())
	var due []string
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			due = append(due, folder)
		}
	}
	if len(due) == 0 {
		return false, nil
	}
	h, err := l.Sign(ctx)
	if errors.Is(err, ErrEmpty) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var faults []error
	for _, folder := range due {
		is, err := writeOnce(filepath.Join(folder, name), h.Text())
		wrote = wrote || is
		if err != nil {
			faults = append(faults, fmt.Errorf("writing the head of the audit log: %w", err))
		}
	}
	if wrote {
		faults = append(faults, l.Append(ctx, "system", "head_exported", strings.TrimSuffix(name, headSuffix), fmt.Sprintf("entry %d", h.Seq)))
	}
	return wrote, errors.Join(faults...)
}

// writeOnce writes a file that only its owner may write, whole or not at all. It reports false where the file is there.
func writeOnce(path string, content []byte) (wrote bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".head-*")
	if err != nil {
		return false, err
	}
	defer func() {
		if fault := os.Remove(f.Name()); !errors.Is(fault, fs.ErrNotExist) { // else it was renamed
			err = errors.Join(err, fault)
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o444), f.Sync(), f.Close()); err != nil {
		return false, err
	}
	// A link is made by one process alone. Where there are none, as on some shares, the last of several processes has it.
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		err = os.Rename(f.Name(), path)
	}
	return err == nil, err
}

// ReadHeads reads the heads in a folder, or the one in a file, as what ExportHead and Text have written, and has each judged by
// this log. Files of other names in a folder are passed over. Those that are damaged, or were not signed by this log, are
// refused, each with its name and the reason. The error is fs.ErrNotExist where there is no such file or folder.
func (l *Log) ReadHeads(path string) (heads []NamedHead, refused []error, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for heads: %w", err)
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(globbed(path), headPrefix+"*"+headSuffix)); err != nil {
			return nil, nil, fmt.Errorf("listing heads: %w", err)
		}
	}
	for _, name := range names {
		h, err := l.readHead(name)
		switch {
		case errors.Is(err, ErrHeadDamaged), errors.Is(err, ErrHeadForeign):
			refused = append(refused, fmt.Errorf("%s: %w", name, err))
		case err != nil:
			return nil, nil, err
		default:
			heads = append(heads, NamedHead{Name: name, SignedHead: h})
		}
	}
	return heads, refused, nil
}

// globbed is a path in which nothing is a pattern.
func globbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (l *Log) readHead(name string) (SignedHead, error) {
	f, err := os.Open(name)
	if err != nil {
		return SignedHead{}, fmt.Errorf("opening a head: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxHeadFile+1))
	if err != nil {
		return SignedHead{}, fmt.Errorf("reading a head: %w", err)
	}
	h, err := ParseHead(text)
	if err != nil {
		return SignedHead{}, err
	}
	return h, l.Trusts(h)
}
