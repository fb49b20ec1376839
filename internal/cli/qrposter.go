package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const qrPosterLong = `Draw the posters of a list of places, in its order: one PDF, or a ZIP with a
file for each. The list is a CSV with the columns

    place_id,kind,name,part,address,serial,issued

where part names the room, gate, stall or vehicle and may be empty, as may
address. The same list and keys give the same bytes. Rows with something wrong
are named with their line and left out; the exit code is then 3.`

// posterColumns are those that a list of posters must have.
var posterColumns = []string{"place_id", "kind", "name", "part", "address", "serial", "issued"}

// posterOrder is what the command line asks for.
type posterOrder struct {
	csv, keys, base, size, language, out, files, logo, report, zone string
}

func newQRPosterCmd() *cobra.Command {
	var o posterOrder
	cmd := &cobra.Command{
		Use:   "poster --csv FILE --keys FILE --base URL --out FILE.pdf|FILE.zip",
		Short: "Draw posters of a list of places",
		Long:  qrPosterLong,
		Args:  qrArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := qrNeed(cmd, "csv", "keys", "base", "out"); err != nil {
				return err
			}
			printer, err := o.printer(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return printer.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.csv, "csv", "", "the list of places")
	flags.StringVar(&o.keys, "keys", "", "private key file")
	flags.StringVar(&o.base, "base", "", "base URL of the codes, as https://c.example.vn")
	flags.StringVar(&o.size, "size", "A4", "A4, A5, A6, tent, sticker (four to a sheet) or strip (two)")
	flags.StringVar(&o.language, "lang", "vi+en", "vi+en, vi or en")
	flags.StringVar(&o.out, "out", "", "file to write, replaced if it is there")
	flags.StringVar(&o.files, "files", "pdf", "what a ZIP holds: pdf, svg or png")
	flags.StringVar(&o.logo, "logo", "", "PNG or JPEG to draw beside the title")
	flags.StringVar(&o.report, "report", "", "whom to tell of a wrong poster, as a phone number (default whoever runs the place)")
	flags.StringVar(&o.zone, "time-zone", "Asia/Ho_Chi_Minh", "zone of the days that are printed")
	return cmd
}

// posterPrinter draws a list of posters.
type posterPrinter struct {
	posterOrder
	signer *qrgen.KeySet
	style  poster.Style
	badge  *poster.Logo
	notes  io.Writer // what is said to the person who waits
	faults int
}

// printer checks the order.
func (o posterOrder) printer(notes io.Writer) (*posterPrinter, error) {
	p := &posterPrinter{posterOrder: o, notes: notes}
	var err error
	if p.style.Format, err = poster.ParseFormat(o.size); err != nil {
		return nil, usage(fmt.Errorf("--size: %w", err))
	}
	if p.style.Language, err = poster.ParseLanguage(o.language); err != nil {
		return nil, usage(fmt.Errorf("--lang: %w", err))
	}
	if p.style.Location, err = time.LoadLocation(o.zone); err != nil {
		return nil, usage(fmt.Errorf("--time-zone: %w", err))
	}
	if err := qrgen.CheckBase(o.base); err != nil {
		return nil, usage(fmt.Errorf("--base: %w", err))
	}
	if ext := strings.ToLower(filepath.Ext(o.out)); ext != ".pdf" && ext != ".zip" {
		return nil, usage(errors.New("--out must end in .pdf or .zip"))
	}
	if o.files != "pdf" && o.files != "svg" && o.files != "png" {
		return nil, usage(fmt.Errorf("--files: %q is none of pdf, svg and png", o.files))
	}
	if p.signer, err = qrgen.ReadKeyFile(o.keys); err != nil {
		return nil, err
	}
	if o.logo != "" {
		f, err := os.Open(o.logo)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if p.badge, err = poster.ReadLogo(f); err != nil {
			return nil, fmt.Errorf("%s: %w", o.logo, err)
		}
	}
	return p, nil
}

// run writes the file under another name first, so that one that is there is whole, the old or the new.
func (p *posterPrinter) run(ctx context.Context) error {
	total, err := p.count()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(p.out), ".posters-*")
	if err != nil {
		return fmt.Errorf("writing posters: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // nothing is left of it where it was renamed
	defer temp.Close()
	w := bufio.NewWriterSize(temp, 1<<16)
	drawn, err := p.draw(ctx, w, total)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = errors.Join(temp.Chmod(0o644), temp.Close(), os.Rename(temp.Name(), p.out))
	}
	if err != nil {
		return fmt.Errorf("writing posters: %w", err)
	}
	fmt.Fprintf(p.notes, "%d posters are in %s\n", drawn, p.out)
	if p.faults > 0 {
		return &ExitError{Code: ExitRefused, Err: fmt.Errorf("%d of %d rows were left out", p.faults, total)}
	}
	return nil
}

// count returns how many rows the list has.
func (p *posterPrinter) count() (rows int, err error) {
	err = p.rows(func(*csvTable, error) error {
		rows++
		return nil
	})
	return rows, err
}

func (p *posterPrinter) rows(row func(*csvTable, error) error) error {
	f, err := os.Open(p.csv)
	if err != nil {
		return err
	}
	defer f.Close()
	return readRows(p.csv, f, posterColumns, row)
}

// draw draws all rows and returns how many were good.
func (p *posterPrinter) draw(ctx context.Context, w io.Writer, total int) (drawn int, err error) {
	files := printing.Book
	if strings.EqualFold(filepath.Ext(p.out), ".zip") {
		files = printing.Files(p.files)
	}
	out, err := printing.NewSink(w, p.style, files)
	if err != nil {
		return 0, err
	}
	show := progressLine(p.notes, "posters")
	done := 0
	err = p.rows(func(row *csvTable, fault error) error {
		var one poster.Poster
		if fault == nil {
			one, fault = p.poster(row)
		}
		if fault == nil {
			switch fault = out.Add(one); {
			case fault == nil:
				drawn++
			case !errors.Is(fault, poster.ErrName) && !errors.Is(fault, poster.ErrTooLong):
				return fault
			default:
				fault = row.fault("name", fault)
			}
		}
		if fault != nil {
			p.faults++
			fmt.Fprintln(p.notes, fault)
		}
		done++
		show(done, total)
		return ctx.Err()
	})
	if err == nil && drawn == 0 {
		err = errors.New("the list has no row that a poster can be drawn of")
	}
	if err != nil {
		return drawn, err
	}
	return drawn, out.Close()
}

// poster signs the code of a row.
func (p *posterPrinter) poster(row *csvTable) (poster.Poster, error) {
	place, err := uuid.Parse(row.field("place_id"))
	if err != nil {
		return poster.Poster{}, row.fault("place_id", errors.New("is not a UUID"))
	}
	kind, err := qrgen.ParseKind(row.field("kind"))
	if err != nil {
		return poster.Poster{}, row.fault("kind", fmt.Errorf("%w (known: %s)", err, qrKindNames()))
	}
	serial, err := strconv.ParseUint(row.field("serial"), 10, 32)
	if err != nil {
		return poster.Poster{}, row.fault("serial", fmt.Errorf("is not a number from 0 to %d", uint32(math.MaxUint32)))
	}
	issued, err := row.instant("issued")
	if err != nil {
		return poster.Poster{}, err
	}
	for _, column := range []string{"name", "part", "address"} {
		if text := row.field(column); !utf8.ValidString(text) {
			return poster.Poster{}, row.fault(column, errors.New("is not UTF-8; save the list as UTF-8"))
		} else if lost := poster.Unprintable(text); lost != "" {
			fmt.Fprintf(p.notes, "%v: left out\n", row.fault(column, fmt.Errorf("the font has no %s", lost)))
		}
	}
	token, err := p.signer.Sign(qrgen.Token{Kind: kind, Place: place, IssuedAt: time.Unix(issued, 0), Serial: uint32(serial)})
	if err != nil {
		return poster.Poster{}, row.fault("issued", err)
	}
	one, err := poster.New(p.base, token)
	if err != nil {
		return poster.Poster{}, err
	}
	// The row's memory is used again for the next.
	one.Name, one.Part, one.Address = strings.Clone(row.field("name")), strings.Clone(row.field("part")), strings.Clone(row.field("address"))
	one.Report, one.Logo = p.report, p.badge
	return one, nil
}
