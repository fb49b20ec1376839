package scanmem

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// Files keeps scans in a directory: a file for each day, and a manifest that names those that belong together and says how
// far in the log they go. Each is written beside the one that it replaces and put in its place once it is durable, the
// manifest last, so that a crash at any moment leaves what was there before. Only their owner may read them.
//
// One process at a time may write to a directory, from its first Write or Commit to Close. It is safe for concurrent use.
type Files struct {
	dir   string
	store uuid.UUID

	mu   sync.Mutex // guards what follows, and the directory
	kept map[scan.Day]kept
	lock *os.File // held where it is not nil
}

// kept is the file of a day, and the change of the day that it goes up to.
type kept struct {
	generation uint64
	change     uint64
}

const (
	manifestName = "manifest"
	lockName     = "lock"
	daySuffix    = ".scans"
	tempSuffix   = ".tmp"
)

// NewFiles returns the Files of a directory, which need not be there yet, for scans of the store that has the id.
func NewFiles(dir string, store uuid.UUID) *Files {
	return &Files{dir: dir, store: store, kept: make(map[scan.Day]kept)}
}

// Forget takes nothing of what is in the directory for kept.
func (f *Files) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.kept)
}

// Close lets other processes write.
func (f *Files) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.release()
}

func (f *Files) release() error {
	if f.lock == nil {
		return nil
	}
	err := f.lock.Close()
	f.lock = nil
	return err
}

// hold makes the directory and keeps other processes from writing to it. The error is ErrHeld where another one does.
func (f *Files) hold() error {
	if f.lock != nil {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the kept index: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(f.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("locking the folder of the kept index: %w", err)
	}
	if err := lockFile(lock); err != nil {
		return errors.Join(ErrHeld, lock.Close())
	}
	f.lock = lock
	return nil
}

// Remove removes what was kept, and closes. Where another process keeps something there it does nothing.
func (f *Files) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.hold()
	switch {
	case errors.Is(err, ErrHeld):
		return nil
	case err == nil:
		err = os.RemoveAll(f.dir)
	}
	if err = errors.Join(err, f.release()); err != nil {
		return fmt.Errorf("removing the kept index: %w", err)
	}
	return nil
}

// Remove removes a directory of Files, of whatever store.
func Remove(dir string) error { return NewFiles(dir, uuid.Nil).Remove() }

// Load reads what was kept of the days from first on into scans, which must hold none, and returns how far in the log it
// goes. The errors: ErrNone, ErrVersion, ErrStore, ErrDamaged, and those of the disk and of ctx. After an error the scans must
// not be used.
func (f *Files) Load(ctx context.Context, s *Scans, first scan.Day) (scanlog.Watermark, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := readFile(filepath.Join(f.dir, manifestName), readManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if m.store != f.store {
		return nil, ErrStore
	}
	clear(f.kept)
	for _, of := range slices.Sorted(maps.Keys(m.days)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if of < first {
			f.kept[of] = kept{} // which Commit removes
			continue
		}
		h, err := readFile(f.path(of, m.days[of]), s.readDay)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, damaged("the file of %s is missing", of)
		case err != nil:
			return nil, fmt.Errorf("reading the file of %s: %w", of, err)
		case h.store != m.store || h.day != of || h.generation != m.days[of]:
			return nil, damaged("the file of %s is another one's", of)
		}
		f.kept[of] = kept{h.generation, s.day(of).change}
	}
	return m.watermark, nil
}

// readFile opens a file and reads it.
func readFile[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	file, err := os.Open(path)
	if err != nil {
		var none T
		return none, err
	}
	defer func() { _ = file.Close() }()
	return read(file)
}

// Stale returns the days whose file is not what they are now, and whether files of days are kept that are gone.
func (f *Files) Stale(s *Scans) (days []scan.Day, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := make(map[scan.Day]bool, len(s.days))
	for _, d := range s.days {
		there[d.of] = true
		if k, is := f.kept[d.of]; !is || k.change != d.change {
			days = append(days, d.of)
		}
	}
	for of := range f.kept {
		gone = gone || !there[of]
	}
	return days, gone
}

// Write writes the file of a day. It counts once a manifest names it. The error is ErrHeld where another process writes.
func (f *Files) Write(c *Copy) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.hold(); err != nil {
		return err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	k := kept{binary.LittleEndian.Uint64(random[:]), c.change}
	err := f.replace(f.path(c.Day, k.generation), func(w io.Writer) error { return c.write(w, f.store, k.generation) })
	if err != nil {
		return fmt.Errorf("keeping the scans of %s: %w", c.Day, err)
	}
	f.kept[c.Day] = k
	return nil
}

// Commit makes the files of some days what is kept, and removes all others. Everything up to the watermark must be in them;
// what is past it may be, for it comes again from the log and is passed over. The error is ErrHeld where another process writes.
func (f *Files) Commit(watermark scanlog.Watermark, days []scan.Day) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.kept, func(of scan.Day, _ kept) bool { return !slices.Contains(days, of) })
	m := manifest{store: f.store, watermark: watermark, days: make(map[scan.Day]uint64)}
	keep := map[string]bool{manifestName: true}
	for of, k := range f.kept {
		m.days[of] = k.generation
		keep[filepath.Base(f.path(of, k.generation))] = true
	}
	if err := f.hold(); err != nil {
		return err
	}
	if err := f.replace(filepath.Join(f.dir, manifestName), m.write); err != nil {
		return fmt.Errorf("keeping the manifest: %w", err)
	}
	names, err := os.ReadDir(f.dir)
	faults := []error{err}
	for _, entry := range names {
		if name := entry.Name(); !keep[name] && (strings.HasSuffix(name, daySuffix) || strings.HasSuffix(name, tempSuffix)) {
			faults = append(faults, os.Remove(filepath.Join(f.dir, name)))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("removing files that were replaced: %w", err)
	}
	return nil
}

func (f *Files) path(of scan.Day, generation uint64) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%016x%s", of, generation, daySuffix))
}

// replace writes a file beside its place, makes it durable and puts it there.
func (f *Files) replace(path string, write func(io.Writer) error) (err error) {
	temp := path + tempSuffix
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
