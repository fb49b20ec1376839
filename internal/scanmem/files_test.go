package scanmem_test

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanmem"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

var update = flag.Bool("update", false, "write the golden files anew")

var store = uuid.UUID{0: 's', 15: 1}

// keep writes what has changed.
func keep(t interface{ Fatal(...any) }, f *scanmem.Files, s *scanmem.Scans, w scanlog.Watermark) {
	stale, _ := f.Stale(s)
	for _, day := range stale {
		c, there := s.Copy(day)
		if !there {
			t.Fatal("no such day")
		}
		if err := f.Write(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Commit(w, s.Days()), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// load reads a directory.
func load(t *testing.T, dir string, first scan.Day) (*scanmem.Files, *scanmem.Scans, scanlog.Watermark, error) {
	f := scanmem.NewFiles(dir, store)
	s := scanmem.New(memindex.NewNumbering(0, 0))
	w, err := f.Load(t.Context(), s, first)
	return f, s, w, err
}

func TestKeptScansComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			r.Fatal(err)
		}
		scans := drawScans(r)
		s := fill(scans[:len(scans)/2])
		f := scanmem.NewFiles(dir, store)
		watermark := scanlog.Watermark{0: 7, 9: 1 << 60}
		keep(r, f, s, watermark)
		if rapid.Bool().Draw(r, "begun anew") {
			if f, s, _, err = load(t, dir, 0); err != nil {
				r.Fatal(err)
			}
			if stale, gone := f.Stale(s); len(stale) > 0 || gone {
				r.Fatalf("what was just read is stale: %v, %v", stale, gone)
			}
		}
		for i := range scans {
			s.Add(&scans[i])
		}
		keep(r, f, s, watermark)
		first := scan.DayOf(start) + scan.Day(rapid.IntRange(0, 4).Draw(r, "first day"))
		f, again, w, err := load(t, dir, first)
		if err != nil || !maps.Equal(w, watermark) {
			r.Fatalf("%v, %v", w, err)
		}
		for n := range 5 {
			alias := numbered('a', n)
			if got, want := held(again, alias, 0), want(scans, alias, 0, first); !slices.Equal(got, want) {
				r.Fatalf("of %v: %v, want %v", alias, got, want)
			}
		}
		_, gone := f.Stale(again)
		if older := len(s.Days()) > len(again.Days()); gone != older {
			r.Fatalf("files of days that are gone: %v, want %v", gone, older)
		}
		keep(r, f, again, w)
		if names := filesOf(t, dir); len(names) != len(again.Days())+1 {
			r.Fatalf("%v are left of %d days", names, len(again.Days()))
		}
	})
}

func filesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, e.Name())
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v (%v)", e.Name(), info.Mode(), err)
		}
	}
	return names
}

// someScans are two days of three aliases, with a trip, a flag and a void.
func someScans() []scan.Scan {
	var scans []scan.Scan
	for i := range 9 {
		s := scan.Scan{
			ID: numbered('s', i), Alias: numbered('a', i%3), Place: numbered('p', i%2), Kind: stay.Kind(1 + i%3),
			At: start + int64(i)*20_000, ReceivedAt: start + int64(i)*20_000 + 5,
		}
		switch i {
		case 4:
			s.Trip = numbered('t', 1)
		case 5:
			s.Flags = stay.Late
		case 7:
			s.Kind, s.Place, s.Voids = stay.Void, uuid.Nil, numbered('s', 1)
		}
		scans = append(scans, s)
	}
	return scans
}

// TestEveryDamageIsRecognised changes every byte of every file, cuts every file everywhere, lengthens it, and takes it away.
func TestEveryDamageIsRecognised(t *testing.T) {
	dir := t.TempDir()
	s := fill(someScans())
	keep(t, scanmem.NewFiles(dir, store), s, scanlog.Watermark{1: 2})
	for _, name := range filesOf(t, dir) {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		try := func(what string, at int, damaged []byte) {
			t.Helper()
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, _, err := load(t, dir, 0); !errors.Is(err, scanmem.ErrDamaged) && !errors.Is(err, scanmem.ErrVersion) {
				t.Errorf("%s %s at %d: %v", name, what, at, err)
			}
		}
		for at := range good {
			for _, bits := range []byte{0x01, 0x80, 0xff} {
				damaged := bytes.Clone(good)
				damaged[at] ^= bits
				try("changed", at, damaged)
			}
			try("cut", at, good[:at])
		}
		try("lengthened", len(good), append(bytes.Clone(good), 0))
		if name != "manifest" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if _, _, _, err := load(t, dir, 0); !errors.Is(err, scanmem.ErrDamaged) {
				t.Errorf("without %s: %v", name, err)
			}
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := load(t, dir, 0); err != nil {
		t.Errorf("with everything as it was: %v", err)
	}
}

func TestFilesOfAnother(t *testing.T) {
	dir := t.TempDir()
	if _, _, _, err := load(t, filepath.Join(dir, "missing"), 0); !errors.Is(err, scanmem.ErrNone) {
		t.Errorf("nothing was kept: %v", err)
	}
	keep(t, scanmem.NewFiles(dir, uuid.UUID{1}), fill(someScans()), nil)
	if _, _, _, err := load(t, dir, 0); !errors.Is(err, scanmem.ErrStore) {
		t.Errorf("of another store: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest"), []byte("tvindex\x02 and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := load(t, dir, 0); !errors.Is(err, scanmem.ErrVersion) {
		t.Errorf("of another version: %v", err)
	}
	if err := scanmem.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
}

func TestOneProcessWrites(t *testing.T) {
	dir := t.TempDir()
	s := fill(someScans())
	c, _ := s.Copy(scan.DayOf(start))
	first, second := scanmem.NewFiles(dir, store), scanmem.NewFiles(dir, store)
	if err := first.Write(c); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Commit(nil, s.Days()), second.Remove()); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(nil, nil); !errors.Is(err, scanmem.ErrHeld) {
		t.Errorf("committed by another: %v", err)
	}
	if _, again, _, err := load(t, dir, 0); err != nil || again.Len() == 0 {
		t.Errorf("%d scans are left (%v)", again.Len(), err)
	}
	if err := errors.Join(first.Close(), second.Write(c), second.Close()); err != nil {
		t.Errorf("after the first: %v", err)
	}
}

// TestACopyStaysAsItIs writes a copy of a day to which scans come meanwhile.
func TestACopyStaysAsItIs(t *testing.T) {
	dir := t.TempDir()
	scans := someScans()
	s := fill(scans[:3])
	f := scanmem.NewFiles(dir, store)
	c, _ := s.Copy(scan.DayOf(start))
	for i := range scans {
		s.Add(&scans[i])
	}
	if err := f.Write(c); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(nil, s.Days()); err != nil {
		t.Fatal(err)
	}
	if stale, _ := f.Stale(s); !slices.Equal(stale, s.Days()) {
		t.Errorf("stale are %v of %v", stale, s.Days())
	}
	if _, again, _, err := load(t, dir, 0); err != nil || again.Len() != 3 {
		t.Errorf("%d scans were kept (%v)", again.Len(), err)
	}
}

// TestFormat compares the files with those of the first version of the format, but for their random names.
func TestFormat(t *testing.T) {
	const golden = "testdata/v1"
	if *update {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		keep(t, scanmem.NewFiles(golden, store), fill(someScans()), scanlog.Watermark{0: 5, 3: 1 << 40})
	}
	_, s, w, err := load(t, golden, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(w, scanlog.Watermark{0: 5, 3: 1 << 40}) {
		t.Errorf("up to %v", w)
	}
	for n := range 3 {
		alias := numbered('a', n)
		if got, want := held(s, alias, 0), want(someScans(), alias, 0, 0); !slices.Equal(got, want) {
			t.Errorf("of %v: %v, want %v", alias, got, want)
		}
	}
}

// FuzzLoad gives any bytes for the manifest and a day's file, with right checksums where it can.
func FuzzLoad(f *testing.F) {
	dir := f.TempDir()
	s := fill(someScans())
	files := scanmem.NewFiles(dir, store)
	for _, day := range s.Days() {
		c, _ := s.Copy(day)
		if err := files.Write(c); err != nil {
			f.Fatal(err)
		}
	}
	if err := files.Commit(scanlog.Watermark{1: 2}, s.Days()); err != nil {
		f.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.HasSuffix(name, "manifest"), text)
	}
	f.Fuzz(func(t *testing.T, manifest bool, text []byte) {
		text = scanmem.Mend(text)
		if manifest {
			_ = scanmem.ReadManifest(bytes.NewReader(text))
			return
		}
		s := scanmem.New(memindex.NewNumbering(0, 0))
		if err := s.ReadDay(bytes.NewReader(text)); err != nil {
			return
		}
		for alias := range uint32(s.Aliases()) {
			for _, one := range s.Of(nil, alias, 0) {
				if one.Kind < stay.In || one.Kind > stay.Void {
					t.Fatalf("%+v", one)
				}
			}
		}
	})
}

func TestWritingRests(t *testing.T) {
	s := scanmem.New(memindex.NewNumbering(0, 0))
	const at = 1_700_000_000
	s.Add(&scan.Scan{ID: uuid.New(), Alias: uuid.New(), Place: uuid.New(), At: at, ReceivedAt: at, Kind: stay.In})
	c, _ := s.Copy(scan.DayOf(at))
	rests := 0
	c.Rest = func() { rests++ }
	f := scanmem.NewFiles(t.TempDir(), store)
	if err := errors.Join(f.Write(c), f.Close()); err != nil || rests == 0 {
		t.Errorf("%d rests, %v", rests, err)
	}
}
