package printing

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// Progress is how far an order is.
type Progress struct {
	Total   int
	Looked  int // places that were looked at
	Drawn   int // posters that were drawn
	Done    bool
	Err     error     // why it was given up
	LeftOut []LeftOut // the first of those that have no poster
	Size    int64     // of the file, in bytes, once it is done
	Tag     string    // that no other content has, once it is done
}

// LeftOut is a place without a poster. Name is empty where the place is not there any more.
type LeftOut struct {
	Place uuid.UUID
	Name  string
}

// drawing is an order under way, or done.
type drawing struct {
	order registry.PrintOrder

	mu      sync.Mutex
	now     Progress
	file    *os.File // once it is done well
	readers int
	dropped bool
}

func (d *drawing) progress() Progress {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// look notes that a place was looked at, and whether it was left out.
func (d *drawing) look(left *LeftOut) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now.Looked++
	switch {
	case left == nil:
		d.now.Drawn++
	case len(d.now.LeftOut) < mostLeftOut:
		d.now.LeftOut = append(d.now.LeftOut, *left)
	}
}

func (d *drawing) finish(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now.Done, d.now.Err = true, err
}

// keep takes a file over.
func (d *drawing) keep(file *os.File, size int64, sum []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.file, d.now.Size, d.now.Tag = file, size, hex.EncodeToString(sum)
}

// drop lets go of the file once nobody reads it.
func (d *drawing) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropped = true
	d.release()
}

// release closes the file if it may be. The caller holds the lock.
func (d *drawing) release() {
	if d.dropped && d.readers == 0 && d.file != nil {
		_ = d.file.Close() // nothing of it is kept
		d.file = nil
	}
}

// File is what was drawn of an order.
type File struct {
	*io.SectionReader
	Name string // that it is given where it is kept
	Tag  string // that no other content has
	d    *drawing
}

func (d *drawing) open() (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.now.Done, d.dropped:
		return nil, ErrDrawing
	case d.now.Err != nil:
		return nil, d.now.Err
	}
	d.readers++
	name := fmt.Sprintf("truyvet-%d-posters-%s%s", d.now.Drawn, d.order.Format, Files(d.order.Files).Ending())
	return &File{SectionReader: io.NewSectionReader(d.file, 0, d.now.Size), Name: name, Tag: d.now.Tag, d: d}, nil
}

// Close lets go of the file. It is called once.
func (f *File) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.readers--
	f.d.release()
	return nil
}

// paper is the file that is being drawn. It counts and hashes what is written, and takes no more than mostBytes.
type paper struct {
	file *os.File
	sum  hash.Hash
	size int64
}

// Write implements [io.Writer].
func (p *paper) Write(b []byte) (int, error) {
	if p.size+int64(len(b)) > mostBytes {
		return 0, ErrLarge
	}
	n, err := p.file.Write(b)
	p.sum.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// draw draws an order into a file that has no name by the time that it is drawn into.
func (s *Service) draw(d *drawing) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of posters: %w", err)
	}
	file, err := os.CreateTemp(s.Dir, "posters-*")
	if err != nil {
		return fmt.Errorf("making a file of posters: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return errors.Join(fmt.Errorf("making a file of posters: %w", err), file.Close())
	}
	p := &paper{file: file, sum: sha256.New()}
	if err := s.fill(d, p); err != nil {
		return errors.Join(err, file.Close())
	}
	d.keep(file, p.size, p.sum.Sum(nil))
	return nil
}

// fill writes the posters of an order.
func (s *Service) fill(d *drawing, w io.Writer) error {
	style, err := s.styleOf(d.order)
	if err != nil {
		return err
	}
	logo, err := LogoOf(s.ctx, s.Store, d.order.Organisation)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	sink, err := NewSink(buffered, style, Files(d.order.Files))
	if err != nil {
		return err
	}
	for _, id := range d.order.Places {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		left, err := s.add(sink, id, logo)
		if err != nil {
			return err
		}
		d.look(left)
	}
	if d.progress().Drawn == 0 {
		return ErrNone
	}
	if err := sink.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// add draws the poster of a place, or says that it has none.
func (s *Service) add(sink Sink, id uuid.UUID, logo *poster.Logo) (*LeftOut, error) {
	one, known, err := PosterOf(s.Names, s.Base, id)
	if err != nil {
		return nil, err
	}
	if !known {
		return &LeftOut{Place: id}, nil
	}
	name, _ := s.Names.Name(id)
	left := &LeftOut{Place: id, Name: name.Name}
	if ends := s.Ends(id, one.Serial); ends != 0 && ends <= s.Clock().Unix() {
		return left, nil // its owner took the code back
	}
	one.Logo = logo
	switch err := sink.Add(one); {
	case errors.Is(err, poster.ErrName), errors.Is(err, poster.ErrTooLong):
		return left, nil
	case err != nil:
		return nil, err
	}
	return nil, nil
}
