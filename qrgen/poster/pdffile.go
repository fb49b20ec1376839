package poster

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
)

// pdfFile writes the objects of a PDF (ISO 32000-1) one after another. Of what is written it keeps where each object
// begins and nothing else.
type pdfFile struct {
	w       io.Writer
	at      int64
	offsets []int64 // by object number − 1
	packed  bytes.Buffer
	packer  *zlib.Writer
	err     error // the first; nothing is written after it
}

// newPDFFile begins a file.
func newPDFFile(w io.Writer) *pdfFile {
	f := &pdfFile{w: w}
	f.packer = zlib.NewWriter(&f.packed)
	f.printf("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n") // bytes above 127 tell mail programs that it is no text
	return f
}

func (f *pdfFile) printf(format string, args ...any) {
	if f.err == nil {
		var n int
		n, f.err = fmt.Fprintf(f.w, format, args...)
		f.at += int64(n)
	}
}

// reserve returns the number of an object that is written later.
func (f *pdfFile) reserve() int {
	f.offsets = append(f.offsets, 0)
	return len(f.offsets)
}

// object writes an object under a number that was reserved.
func (f *pdfFile) object(number int, body string) {
	f.offsets[number-1] = f.at
	f.printf("%d 0 obj\n%s\nendobj\n", number, body)
}

// stream writes a compressed stream under a number that was reserved. Dictionary has its other entries.
func (f *pdfFile) stream(number int, dictionary string, content []byte) {
	f.packed.Reset()
	f.packer.Reset(&f.packed)
	if _, err := f.packer.Write(content); err != nil {
		f.fail(err)
	}
	f.fail(f.packer.Close())
	f.offsets[number-1] = f.at
	f.printf("%d 0 obj\n<<%s/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n",
		number, dictionary, f.packed.Len(), f.packed.Bytes())
}

func (f *pdfFile) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// end writes the table of objects and the trailer.
func (f *pdfFile) end(catalogue, info int) error {
	start := f.at
	f.printf("xref\n0 %d\n0000000000 65535 f \n", len(f.offsets)+1)
	for _, offset := range f.offsets {
		f.printf("%010d 00000 n \n", offset)
	}
	f.printf("trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(f.offsets)+1, catalogue, info, start)
	return f.err
}
