// Package benchposters measures how quickly posters are drawn and how large they are, beside Debian's qrencode, which draws the
// bare code of the same text. Everything is drawn one after another: a book as one file, as is printed in bulk, and files of their
// own as they are downloaded. qrencode makes one file a run, so what a run of a program costs that does nothing is printed too.
package benchposters

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// Options say how much is measured.
type Options struct {
	Posters int // of each kind; a tenth of them as PNG, which take longest
}

// base is where the codes lead.
const base = "https://c.example.vn"

// bench is one measurement under way.
type bench struct {
	ctx     context.Context
	posters []poster.Poster
	dir     string
	out     io.Writer
}

// Run measures, and writes "name value unit" lines.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "truyvet-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{ctx: ctx, dir: dir, out: out}
	if b.posters, err = samples(o.Posters); err != nil {
		return err
	}
	// The fonts are read once, which is no part of any poster.
	if err := poster.PDF(io.Discard, poster.Style{Format: poster.A6}, b.posters[0]); err != nil {
		return err
	}
	few := b.posters[:max(len(b.posters)/10, 1)]
	for _, f := range []poster.Format{poster.A6, poster.A4} {
		style := poster.Style{Format: f}
		name := strings.ToLower(f.String())
		err := errors.Join(
			b.sink(name+".book_pdf", style, printing.Book, b.posters),
			b.files(name+".pdf", b.posters, func(w io.Writer, p poster.Poster) error { return poster.PDF(w, style, p) }),
			b.files(name+".svg", b.posters, func(w io.Writer, p poster.Poster) error { return poster.SheetSVG(w, style, p) }),
			b.files(name+".png_300dpi", few, func(w io.Writer, p poster.Poster) error { return poster.SheetPNG(w, style, 300, p) }),
		)
		if err != nil {
			return err
		}
	}
	err = errors.Join(
		b.files("code.svg", b.posters, func(w io.Writer, p poster.Poster) error { return poster.SVG(w, p.Code, poster.Options{}) }),
		b.files("code.png", b.posters, func(w io.Writer, p poster.Poster) error { return poster.PNG(w, p.Code, poster.Options{}) }),
	)
	if err != nil {
		return err
	}
	return b.qrencode()
}

// samples are posters of signed codes, each of another place.
func samples(n int) ([]poster.Poster, error) {
	keys := qrgen.NewKeySet()
	issued := time.Unix(1_800_000_000, 0)
	if _, err := keys.Create(issued); err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	posters := make([]poster.Poster, n)
	for i := range posters {
		token, err := keys.Sign(qrgen.Token{Kind: qrgen.KindMeetingRoom, Place: uuid.New(), IssuedAt: issued, Serial: 1})
		if err != nil {
			return nil, fmt.Errorf("signing a code: %w", err)
		}
		if posters[i], err = poster.New(base, token); err != nil {
			return nil, err
		}
		posters[i].Name, posters[i].Part = "Toà nhà Bưu điện Thành phố Thủ Đức", fmt.Sprintf("Phòng họp A%d", i+1)
		posters[i].Address = "123 đường Nguyễn Văn Bá, phường Trường Thọ"
	}
	return posters, nil
}

// counter counts the bytes that are written.
type counter int64

// Write implements [io.Writer].
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// sink draws posters into one file.
func (b *bench) sink(name string, style poster.Style, files printing.Files, posters []poster.Poster) error {
	var size counter
	begin := time.Now()
	sink, err := printing.NewSink(&size, style, files)
	if err != nil {
		return err
	}
	for _, p := range posters {
		if err := errors.Join(sink.Add(p), b.ctx.Err()); err != nil {
			return fmt.Errorf("measuring %s: %w", name, err)
		}
	}
	if err := sink.Close(); err != nil {
		return fmt.Errorf("measuring %s: %w", name, err)
	}
	b.say(name, len(posters), time.Since(begin), int64(size))
	return nil
}

// files draws each poster by itself.
func (b *bench) files(name string, posters []poster.Poster, draw func(io.Writer, poster.Poster) error) error {
	var size counter
	begin := time.Now()
	for _, p := range posters {
		if err := errors.Join(draw(&size, p), b.ctx.Err()); err != nil {
			return fmt.Errorf("measuring %s: %w", name, err)
		}
	}
	b.say(name, len(posters), time.Since(begin), int64(size))
	return nil
}

// qrencode has Debian's program draw the bare codes, at the same level and with the same quiet zone.
func (b *bench) qrencode() error {
	program, err := exec.LookPath("qrencode")
	if err != nil {
		return errors.New("qrencode is not installed; install it with: apt-get install -y qrencode")
	}
	file := filepath.Join(b.dir, "code")
	for _, run := range []struct{ name, program, kind string }{
		{"qrencode.svg", program, "SVG"}, {"qrencode.png", program, "PNG"}, {"empty_run", "true", ""},
	} {
		var size int64
		begin := time.Now()
		for _, p := range b.posters {
			cmd := exec.CommandContext(b.ctx, run.program, "-l", "M", "-m", "4", "-t", run.kind, "-o", file, p.Code)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("measuring %s: %w: %s", run.name, err, out)
			}
			if run.kind == "" {
				continue
			}
			info, err := os.Stat(file)
			if err != nil {
				return fmt.Errorf("measuring %s: %w", run.name, err)
			}
			size += info.Size()
		}
		b.say(run.name, len(b.posters), time.Since(begin), size)
	}
	return nil
}

// say writes what came of drawing some posters.
func (b *bench) say(name string, n int, took time.Duration, size int64) {
	fmt.Fprintf(b.out, "%s.rate %.0f posters/s\n", name, float64(n)/took.Seconds())
	if size > 0 {
		fmt.Fprintf(b.out, "%s.size %d B/poster\n", name, size/int64(n))
	}
}
