package poster_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	xdraw "golang.org/x/image/draw"

	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

var update = flag.Bool("update", false, "draw the golden posters anew")

const goldenSheets = "../../testdata/posters"

// samplePoster returns the poster of a token that no key has signed, which is the same in every run.
func samplePoster(t testing.TB, serial uint32) poster.Poster {
	t.Helper()
	u := qrgen.Unverified{Token: qrgen.Token{
		Kind: 7, KeyID: 1, Place: uuid.MustParse("018f0000-0000-7000-8000-000000000001"),
		IssuedAt: time.Unix(1_636_045_200, 0), Serial: serial,
	}}
	r := rand.New(rand.NewPCG(uint64(serial), 1))
	for i := range u.Signature {
		u.Signature[i] = byte(r.Uint32())
	}
	token, err := u.Text()
	if err != nil {
		t.Fatal(err)
	}
	p, err := poster.New("https://c.example.vn", token)
	if err != nil {
		t.Fatal(err)
	}
	p.Name, p.Part = "Chợ Sắt Hải Phòng", "Dãy quầy A12 · Cổng Quang Trung"
	p.Address = "Số 1 Quang Trung, phường Hoàng Văn Thụ, quận Hồng Bàng"
	return p
}

// sampleLogo is a disc on a clear ground.
func sampleLogo(t testing.TB) *poster.Logo {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 200, 160))
	for y := range 160 {
		for x := range 200 {
			if dx, dy := x-100, y-80; dx*dx+dy*dy < 70*70 {
				img.Set(x, y, color.NRGBA{uint8(x), 120, 60, 255})
			}
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	logo, err := poster.ReadLogo(&file)
	if err != nil {
		t.Fatal(err)
	}
	return logo
}

// sheet returns as many posters as a sheet takes.
func sheet(p poster.Poster, f poster.Format) []poster.Poster {
	posters := make([]poster.Poster, f.PerSheet())
	for i := range posters {
		posters[i] = p
	}
	return posters
}

// eachStyle tries every format in some languages.
func eachStyle(t *testing.T, try func(t *testing.T, style poster.Style), in ...poster.Language) {
	t.Helper()
	for _, format := range poster.Formats() {
		for _, language := range in {
			t.Run(fmt.Sprintf("%v-%v", format, language), func(t *testing.T) {
				t.Parallel()
				try(t, poster.Style{Format: format, Language: language, Location: time.FixedZone("", 7*3600)})
			})
		}
	}
}

func write(t testing.TB, to func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := to(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sheetPNG(t testing.TB, style poster.Style, dpi int, posters ...poster.Poster) image.Image {
	t.Helper()
	return decodePNG(t, write(t, func(w io.Writer) error { return poster.SheetPNG(w, style, dpi, posters...) }))
}

// render draws the first page of a PDF with a program that shares nothing with this package.
func render(t testing.TB, pdf []byte, dpi int) image.Image {
	t.Helper()
	cmd := exec.Command("pdftoppm", "-r", fmt.Sprint(dpi), "-png", "-singlefile", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	var said bytes.Buffer
	cmd.Stderr = &said
	page, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("pdftoppm (Debian package poppler-utils): %v: %s", err, said.Bytes())
	}
	return decodePNG(t, page)
}

// difference returns by how much two pictures differ, of 255, on the average of all pixels.
func difference(t testing.TB, a, b image.Image) float64 {
	t.Helper()
	one, other := greys(a), greys(b)
	if len(one.Pix) != len(other.Pix) {
		t.Fatalf("a picture of %v beside one of %v", a.Bounds(), b.Bounds())
	}
	total := 0
	for i := range one.Pix {
		total += abs(int(one.Pix[i]) - int(other.Pix[i]))
	}
	return float64(total) / float64(len(one.Pix))
}

// coarse returns a picture with one pixel for each 16 by 16.
func coarse(img image.Image) *image.Gray {
	fine := greys(img)
	out := image.NewGray(image.Rect(0, 0, fine.Rect.Dx()/16, fine.Rect.Dy()/16))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			total := 0
			for i := range 256 {
				total += int(fine.Pix[(16*y+i/16)*fine.Stride+16*x+i%16])
			}
			out.Pix[y*out.Stride+x] = uint8(total / 256)
		}
	}
	return out
}

// greys returns a picture without its colours.
func greys(img image.Image) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	xdraw.Draw(out, out.Rect, img, img.Bounds().Min, xdraw.Src)
	return out
}

// worst returns by how much two pictures of one size differ where they differ most.
func worst(a, b *image.Gray) int {
	most := 0
	for i := range min(len(a.Pix), len(b.Pix)) {
		most = max(most, abs(int(a.Pix[i])-int(b.Pix[i])))
	}
	return most
}

func abs(n int) int { return max(n, -n) }

// TestGoldenSheets holds posters to pictures that somebody has looked at: go test -run TestGoldenSheets -update.
func TestGoldenSheets(t *testing.T) {
	eachStyle(t, func(t *testing.T, style poster.Style) {
		p := samplePoster(t, 3)
		p.Logo = sampleLogo(t)
		drawn := write(t, func(w io.Writer) error { return poster.SheetPNG(w, style, 72, sheet(p, style.Format)...) })
		path := filepath.Join(goldenSheets, fmt.Sprintf("%v-%v.png", style.Format, style.Language))
		if *update {
			if err := os.WriteFile(path, drawn, 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// Processors differ in the last bit of a rounded edge.
		if d := difference(t, decodePNG(t, golden), decodePNG(t, drawn)); d > 0.05 {
			t.Errorf("it is not %s: on average pixels differ by %.2f", path, d)
		}
	}, poster.Both, poster.Vietnamese, poster.English)
}

// TestSheetsAgree draws the same sheet in three ways, the PDF by an independent program, and reads its code back.
func TestSheetsAgree(t *testing.T) {
	eachStyle(t, func(t *testing.T, style poster.Style) {
		p := samplePoster(t, 4)
		p.Logo = sampleLogo(t)
		posters := sheet(p, style.Format)
		const dpi = 100
		img := sheetPNG(t, style, dpi, posters...)
		pdf := render(t, write(t, func(w io.Writer) error { return poster.PDF(w, style, posters...) }), dpi)
		// Edges lie on pixels in one and between them in the other, so what is compared is larger than these.
		if d := worst(coarse(img), coarse(pdf)); d > 40 {
			t.Errorf("somewhere the PDF differs from the PNG by %d", d)
		}
		if got := read(t, crop(pdf, first(style.Format))); got != p.Code {
			t.Errorf("the PDF's code reads %q", got)
		}
	}, poster.Both)
}

// first returns where the first upright poster of a sheet lies, in shares of the sheet.
func first(f poster.Format) [4]float64 {
	switch f {
	case poster.Tent:
		return [4]float64{0, 0.5, 1, 0.87}
	case poster.Sticker:
		return [4]float64{0.024, 0.164, 0.5, 0.5}
	case poster.Strip:
		return [4]float64{0, 0, 1, 0.5}
	default:
		return [4]float64{0, 0, 1, 1}
	}
}

func crop(img image.Image, share [4]float64) image.Image {
	b := img.Bounds()
	x := func(s float64) int { return b.Min.X + int(s*float64(b.Dx())) }
	y := func(s float64) int { return b.Min.Y + int(s*float64(b.Dy())) }
	area := image.Rect(x(share[0]), y(share[1]), x(share[2]), y(share[3]))
	out := image.NewGray(image.Rect(0, 0, area.Dx(), area.Dy()))
	xdraw.Draw(out, out.Bounds(), img, area.Min, xdraw.Src)
	return out
}

func TestSameSheetSameBytes(t *testing.T) {
	eachStyle(t, func(t *testing.T, style poster.Style) {
		p := samplePoster(t, 5)
		p.Logo = sampleLogo(t)
		posters := sheet(p, style.Format)
		for name, to := range map[string]func(io.Writer) error{
			"PDF": func(w io.Writer) error { return poster.PDF(w, style, posters...) },
			"SVG": func(w io.Writer) error { return poster.SheetSVG(w, style, posters...) },
			"PNG": func(w io.Writer) error { return poster.SheetPNG(w, style, 50, posters...) },
		} {
			if !bytes.Equal(write(t, to), write(t, to)) {
				t.Errorf("two %ss of the same poster differ", name)
			}
		}
	}, poster.Both)
}

// TestAwkwardTexts draws what people type, and looks at what of it is in the PDF and that the code still reads.
func TestAwkwardTexts(t *testing.T) {
	for name, try := range map[string]struct {
		name, part string
		want       string // a line of the PDF
	}{
		"marks put after letters": {"Quán phở Trần", "", "Quán phở Trần"},
		"emoji":                   {"Phở 🍜 Thìn 👩‍🍳", "", "Phở Thìn"},
		"formula":                 {`=HYPERLINK("x")`, "", `=HYPERLINK("x")`},
		"tabs and lines":          {"Chợ\tSắt\r\n(mới)", "", "Chợ Sắt (mới)"},
		"only a part":             {"", "Cổng số 3", "Cổng số 3"},
		"300 characters":          {strings.Repeat("Trường đại học ", 20), "Phòng", "Phòng"},
		"one word of 300":         {strings.Repeat("Ậ", 300), "Phòng", "Phòng"},
		"capitals":                {"TRƯỜNG ĐẠI HỌC KỸ THUẬT", "", "TRƯỜNG ĐẠI HỌC KỸ THUẬT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range poster.Formats() {
				p := samplePoster(t, 6)
				p.Name, p.Part = try.name, try.part
				style := poster.Style{Format: format}
				pdf := write(t, func(w io.Writer) error { return poster.PDF(w, style, sheet(p, format)...) })
				if said := pdfText(t, pdf); !strings.Contains(strings.Join(strings.Fields(said), " "), try.want) {
					t.Errorf("%v: the PDF lacks %q: %q", format, try.want, said)
				}
				if format != poster.A6 { // all are laid out by the same rules
					continue
				}
				if got := read(t, sheetPNG(t, style, 100, p)); got != p.Code {
					t.Errorf("%v: the code reads %q", format, got)
				}
			}
		})
	}
}

func pdfText(t testing.TB, pdf []byte) string {
	t.Helper()
	cmd := exec.Command("pdftotext", "-enc", "UTF-8", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftotext (Debian package poppler-utils): %v", err)
	}
	return string(text)
}

func TestSheetRefusals(t *testing.T) {
	nameless := samplePoster(t, 7)
	nameless.Name, nameless.Part = "\u200b🍜", " \n"
	if err := poster.SheetSVG(io.Discard, poster.Style{Format: poster.A6}, nameless); !errors.Is(err, poster.ErrName) {
		t.Errorf("a name of nothing that prints: %v", err)
	}
	long := samplePoster(t, 7)
	long.Code = strings.Repeat("A", 5000)
	good := samplePoster(t, 8)
	style := poster.Style{Format: poster.A6}
	for name, err := range map[string]error{
		"no format":        poster.SheetSVG(io.Discard, poster.Style{}, good),
		"no poster":        poster.SheetSVG(io.Discard, style),
		"two on a sheet":   poster.SheetPNG(io.Discard, style, 100, good, good),
		"too coarse":       poster.SheetPNG(io.Discard, style, 10, good),
		"too fine":         poster.SheetPNG(io.Discard, style, poster.MaxDPI+1, good),
		"empty book":       poster.PDF(io.Discard, style),
		"long code":        poster.PDF(io.Discard, style, long),
		"a writer's fault": poster.PDF(failingWriter{errors.New("full")}, style, good),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if lost := poster.Unprintable("Phở 🍜 Thìn"); lost != "🍜" {
		t.Errorf("of emoji it loses %q", lost)
	}
}

// TestBookGoesOnAfterABadPoster adds one that cannot be drawn between two that can.
func TestBookGoesOnAfterABadPoster(t *testing.T) {
	var out bytes.Buffer
	b, err := poster.NewBook(&out, poster.Style{Format: poster.Sticker})
	if err != nil {
		t.Fatal(err)
	}
	bad := samplePoster(t, 9)
	bad.Name, bad.Part = "", ""
	for i, p := range []poster.Poster{samplePoster(t, 10), bad, samplePoster(t, 11)} {
		if err := b.Add(p); (err != nil) != (i == 1) {
			t.Fatalf("poster %d: %v", i, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(pdfText(t, out.Bytes()), "Chợ Sắt"); n != 2 {
		t.Errorf("%d posters are in the book", n)
	}
}

func TestReadLogoRefuses(t *testing.T) {
	var wide bytes.Buffer
	if err := png.Encode(&wide, image.NewGray(image.Rect(0, 0, 3001, 1))); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"nothing": "", "text": "<svg/>", "cut off": "\x89PNG\r\n\x1a\n", "too long": strings.Repeat("x", poster.MaxLogoBytes+1),
		"of too many pixels": wide.String(),
	} {
		if _, err := poster.ReadLogo(strings.NewReader(file)); !errors.Is(err, poster.ErrLogo) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkBook(b *testing.B) {
	p := samplePoster(b, 12)
	book, err := poster.NewBook(io.Discard, poster.Style{Format: poster.A6})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := book.Add(p); err != nil {
			b.Fatal(err)
		}
	}
}
