package poster_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/qrgen/poster"
)

const goldens = "../../testdata/codes"

// modules draws the PNG at one pixel per module and returns which are dark,
// without the quiet zone.
func modules(t testing.TB, text string) [][]bool {
	t.Helper()
	img := decodePNG(t, draw(t, poster.PNG, text, poster.Options{Scale: 1}))
	side := img.Bounds().Dx()
	var rows [][]bool
	for y := 4; y < side-4; y++ {
		row := make([]bool, 0, side-8)
		for x := 4; x < side-4; x++ {
			row = append(row, isDark(img.At(x, y)))
		}
		rows = append(rows, row)
	}
	return rows
}

func draw(t testing.TB, to func(io.Writer, string, poster.Options) error, text string, o poster.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := to(&b, text, o); err != nil {
		t.Fatalf("drawing %d characters: %v", len(text), err)
	}
	return b.Bytes()
}

func decodePNG(t testing.TB, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("decoding the PNG: %v", err)
	}
	return img
}

func isDark(c color.Color) bool { return color.GrayModel.Convert(c).(color.Gray).Y < 128 }

// read decodes a picture with a decoder that shares nothing with the encoder.
func read(t testing.TB, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatalf("taking in the picture: %v", err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER:    true,
		gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
	})
	if err != nil {
		t.Fatalf("decoding the picture: %v", err)
	}
	return result.GetText()
}

// rasterise paints the white square and the path of one of our SVGs.
func rasterise(t testing.TB, data []byte, scale int) image.Image {
	t.Helper()
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
		Rect    struct {
			Width int    `xml:"width,attr"`
			Fill  string `xml:"fill,attr"`
		} `xml:"rect"`
		Paths []struct {
			D    string `xml:"d,attr"`
			Fill string `xml:"fill,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		t.Fatalf("parsing the SVG: %v", err)
	}
	if len(doc.Paths) != 1 || doc.Paths[0].Fill != "#000" || doc.Rect.Fill != "#fff" {
		t.Fatalf("want a white square and one black path, got %d paths", len(doc.Paths))
	}
	if want := fmt.Sprintf("0 0 %d %[1]d", doc.Rect.Width); doc.ViewBox != want {
		t.Fatalf("view box %q, the square fills %q", doc.ViewBox, want)
	}
	img := image.NewGray(image.Rect(0, 0, doc.Rect.Width*scale, doc.Rect.Width*scale))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	step := regexp.MustCompile(`^M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	for d := doc.Paths[0].D; d != ""; {
		m := step.FindStringSubmatch(d)
		if m == nil || m[3] != m[4] {
			t.Fatalf("path goes on with %.20q", d)
		}
		d = d[len(m[0]):]
		x, y, w := atoi(t, m[1]), atoi(t, m[2]), atoi(t, m[3])
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+w)*scale; px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	return img
}

func atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// codeURL returns a made-up code's URL with a host of that many characters.
func codeURL(r *rand.Rand, host int) string {
	token := make([]byte, 154)
	for i := range token {
		token[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[r.IntN(32)]
	}
	return "HTTPS://" + strings.Repeat("H", host-3) + ".VN/Q/" + string(token)
}

func TestVersionByHostLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for host, version := range map[int]int{4: 7, 12: 7, 13: 7, 14: 8, 30: 8} {
		got := len(modules(t, codeURL(r, host)))
		if want := 17 + 4*version; got != want {
			t.Errorf("host of %d characters: %d modules, version %d has %d", host, got, version, want)
		}
	}
}

func TestDecodesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	texts := []string{"0", "HTTP://127.0.0.1:8080/Q/A", "lower case", "Chợ Bến Thành, quầy 12", codeURL(r, 4), codeURL(r, 13), codeURL(r, 40)}
	for _, text := range texts {
		for _, scale := range []int{3, 8, 11} {
			img := decodePNG(t, draw(t, poster.PNG, text, poster.Options{Scale: scale}))
			if got := read(t, img); got != text {
				t.Errorf("PNG at scale %d of %q reads %q", scale, text, got)
			}
		}
		svg := rasterise(t, draw(t, poster.SVG, text, poster.Options{}), 5)
		if got := read(t, svg); got != text {
			t.Errorf("SVG of %q reads %q", text, got)
		}
	}
}

// TestVersions holds our symbols against those of an independent encoder, module
// by module: data, error correction, function patterns and the choice of the
// mask, for a text that fills the version to the brim. One character more takes
// the next version. The versions are those of codes, and those at which the
// standard's tables change.
func TestVersions(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, version := range []int{1, 2, 6, 7, 8, 9, 10, 13, 14, 20, 26, 27, 32, 40} {
		text := make([]byte, capacity(t, version))
		for i := range text {
			text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"[r.IntN(35)]
		}
		if got := len(compareWithIndependentEncoder(t, string(text))); got != 17+4*version {
			t.Errorf("%d characters: %d modules, version %d has %d", len(text), got, version, 17+4*version)
		}
		if version > 10 {
			continue
		}
		if got := len(modules(t, string(text)+"A")); got != 17+4*(version+1) {
			t.Errorf("%d characters: %d modules, version %d has %d", len(text)+1, got, version+1, 17+4*(version+1))
		}
	}
}

// capacity returns how many characters of alphanumeric mode a version holds at
// level M, from the independent decoder's tables.
func capacity(t *testing.T, version int) int {
	t.Helper()
	v, err := decoder.Version_GetVersionForNumber(version)
	if err != nil {
		t.Fatal(err)
	}
	count := 9 // width of the character count
	switch {
	case version > 26:
		count = 13
	case version > 9:
		count = 11
	}
	words := v.GetTotalCodewords() - v.GetECBlocksForLevel(decoder.ErrorCorrectionLevel_M).GetTotalECCodewords()
	bits := words*8 - 4 - count
	characters := bits / 11 * 2
	if bits%11 >= 6 {
		characters++
	}
	return characters
}

func TestCodesMatchIndependentEncoder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		host := rapid.IntRange(4, 40).Draw(rt, "host")
		compareWithIndependentEncoder(t, codeURL(rand.New(rand.NewPCG(seed, 7)), host))
	})
}

func compareWithIndependentEncoder(t *testing.T, text string) [][]bool {
	t.Helper()
	want, err := encoder.Encoder_encodeWithoutHint(text, decoder.ErrorCorrectionLevel_M)
	if err != nil {
		t.Fatalf("the independent encoder: %v", err)
	}
	got := modules(t, text)
	if len(got) != want.GetMatrix().GetWidth() {
		t.Fatalf("%d characters: %d modules, the independent encoder has %d", len(text), len(got), want.GetMatrix().GetWidth())
	}
	for y, row := range got {
		for x, dark := range row {
			if dark != (want.GetMatrix().Get(x, y) == 1) {
				t.Fatalf("%d characters: module %d,%d differs (the independent mask is %d)", len(text), x, y, want.GetMaskPattern())
			}
		}
	}
	return got
}

func TestSameInputSameBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for range 8 {
		text := codeURL(r, 13)
		first := draw(t, poster.PNG, text, poster.Options{Scale: 1})
		firstSVG := draw(t, poster.SVG, text, poster.Options{Title: "x"})
		for range 4 {
			if !bytes.Equal(first, draw(t, poster.PNG, text, poster.Options{Scale: 1})) {
				t.Fatalf("%q: two PNGs differ", text)
			}
			if !bytes.Equal(firstSVG, draw(t, poster.SVG, text, poster.Options{Title: "x"})) {
				t.Fatalf("%q: two SVGs differ", text)
			}
		}
	}
}

func TestPNGIsOneBitWithQuietZone(t *testing.T) {
	const scale = 3
	data := draw(t, poster.PNG, "QUIET", poster.Options{Scale: scale})
	// IHDR: width, height, bit depth, colour type (3 is palette).
	if depth, kind := data[24], data[25]; depth != 1 || kind != 3 {
		t.Errorf("bit depth %d and colour type %d, want 1 and 3", depth, kind)
	}
	img := decodePNG(t, data)
	side := (21 + 8) * scale
	if got := img.Bounds(); got != image.Rect(0, 0, side, side) {
		t.Fatalf("the picture is %v", got)
	}
	edge := 4 * scale
	for y := range side {
		for x := range side {
			if (x < edge || y < edge || x >= side-edge || y >= side-edge) && isDark(img.At(x, y)) {
				t.Fatalf("dark pixel %d,%d in the quiet zone", x, y)
			}
		}
	}
	if !isDark(img.At(edge, edge)) || !isDark(img.At(side-edge-1, edge)) || !isDark(img.At(edge, side-edge-1)) {
		t.Error("the finders do not touch the quiet zone")
	}
}

func TestSVGTitle(t *testing.T) {
	const title = `Chợ <Bến> & "Thành"`
	data := draw(t, poster.SVG, "TITLE", poster.Options{Title: title})
	var doc struct {
		Role  string `xml:"role,attr"`
		Width int    `xml:"width,attr"`
		Title string `xml:"title"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Role != "img" || doc.Title != title || doc.Width != 29*poster.DefaultScale {
		t.Errorf("role %q, title %q, width %d", doc.Role, doc.Title, doc.Width)
	}
	if bytes.Contains(draw(t, poster.SVG, "TITLE", poster.Options{}), []byte("<title")) {
		t.Error("a title where none was given")
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, text string
		scale      int
		is         error
	}{
		{name: "empty", text: ""},
		{name: "not UTF-8", text: "\xff"},
		{name: "negative scale", text: "A", scale: -1},
		{name: "beyond the largest side", text: "A", scale: poster.MaxSide/29 + 1},
		{name: "too long for alphanumeric mode", text: strings.Repeat("A", 3392), is: poster.ErrTooLong},
		{name: "too long for byte mode", text: strings.Repeat("a", 2332), is: poster.ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, to := range []func(io.Writer, string, poster.Options) error{poster.PNG, poster.SVG} {
				var b bytes.Buffer
				err := to(&b, tt.text, poster.Options{Scale: tt.scale})
				if err == nil || b.Len() != 0 || (tt.is != nil && !errors.Is(err, tt.is)) {
					t.Errorf("error %v after %d bytes", err, b.Len())
				}
			}
		})
	}
	draw(t, poster.PNG, strings.Repeat("a", 2331), poster.Options{Scale: 1})
}

func TestWriterFails(t *testing.T) {
	broken := errors.New("disk full")
	for _, to := range []func(io.Writer, string, poster.Options) error{poster.PNG, poster.SVG} {
		if err := to(failingWriter{broken}, "A", poster.Options{}); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestGolden compares with kept files: the SVG byte by byte, the PNG pixel by
// pixel, for a later Go release may compress it differently.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(goldens, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Images []struct {
			File, Text, Title string
			Scale             int
		} `json:"images"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Images) == 0 {
		t.Fatal("no golden images")
	}
	for _, v := range vectors.Images {
		t.Run(v.File, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(goldens, v.File))
			if err != nil {
				t.Fatal(err)
			}
			o := poster.Options{Scale: v.Scale, Title: v.Title}
			if strings.HasSuffix(v.File, ".svg") {
				if got := draw(t, poster.SVG, v.Text, o); !bytes.Equal(got, want) {
					t.Error("the SVG is not the kept one")
				}
				return
			}
			got, kept := decodePNG(t, draw(t, poster.PNG, v.Text, o)), decodePNG(t, want)
			if got.Bounds() != kept.Bounds() {
				t.Fatalf("%v, the kept one is %v", got.Bounds(), kept.Bounds())
			}
			for y := range got.Bounds().Dy() {
				for x := range got.Bounds().Dx() {
					if isDark(got.At(x, y)) != isDark(kept.At(x, y)) {
						t.Fatalf("pixel %d,%d differs from the kept picture", x, y)
					}
				}
			}
		})
	}
}

func BenchmarkPNG(b *testing.B) {
	text := codeURL(rand.New(rand.NewPCG(10, 11)), 13)
	for b.Loop() {
		if err := poster.PNG(io.Discard, text, poster.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
