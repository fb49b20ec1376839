package printing

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// Files is what many posters are made into.
type Files string

// The kinds of files. Book is one PDF, the others a ZIP with a file for each poster.
const (
	Book Files = "book"
	PDFs Files = "pdf"
	SVGs Files = "svg"
	PNGs Files = "png"
)

// AllFiles lists the kinds.
func AllFiles() []Files { return []Files{Book, PDFs, SVGs, PNGs} }

// Ending is how the name of what holds the posters ends.
func (f Files) Ending() string {
	if f == Book {
		return ".pdf"
	}
	return ".zip"
}

// Sink takes posters in their order. An error of Add that is [poster.ErrName] or [poster.ErrTooLong] is of that poster alone: the
// sink can go on. Close writes what is left.
type Sink interface {
	Add(p poster.Poster) error
	Close() error
}

// NewSink returns what writes posters of a style to w as files of a kind. What it keeps in memory does not grow with their number
// but for some bytes each. The same posters give the same bytes.
func NewSink(w io.Writer, style poster.Style, files Files) (Sink, error) {
	switch files {
	case Book:
		return poster.NewBook(w, style)
	case PDFs, SVGs, PNGs:
		return &archive{zip: zip.NewWriter(w), style: style, files: files}, nil
	}
	return nil, fmt.Errorf("%q is none of %v", files, AllFiles())
}

// archiveDPI is how fine the PNG files of an archive are.
const archiveDPI = 300

// archive is a ZIP with a file for each poster. A sheet that takes several is filled with copies.
type archive struct {
	zip   *zip.Writer
	style poster.Style
	files Files
	count int
	sheet bytes.Buffer // the file that is being drawn
}

// Add implements [Sink].
func (a *archive) Add(p poster.Poster) error {
	a.sheet.Reset()
	if err := a.draw(slices.Repeat([]poster.Poster{p}, a.style.Format.PerSheet())); err != nil {
		return err
	}
	a.count++
	header := &zip.FileHeader{
		Name: fmt.Sprintf("%05d-%s.%s", a.count, registry.FileName(p.Name+" "+p.Part), a.files), Modified: p.Issued.UTC(),
	}
	if a.files == SVGs {
		header.Method = zip.Deflate // the others are compressed
	}
	w, err := a.zip.CreateHeader(header)
	if err == nil {
		_, err = a.sheet.WriteTo(w)
	}
	return err
}

func (a *archive) draw(copies []poster.Poster) error {
	switch a.files {
	case SVGs:
		return poster.SheetSVG(&a.sheet, a.style, copies...)
	case PNGs:
		return poster.SheetPNG(&a.sheet, a.style, archiveDPI, copies...)
	default:
		return poster.PDF(&a.sheet, a.style, copies...)
	}
}

// Close implements [Sink].
func (a *archive) Close() error { return a.zip.Close() }
