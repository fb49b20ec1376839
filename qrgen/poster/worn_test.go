package poster_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"github.com/truyvet/truyvet/qrgen/poster"
)

var wornVariants = flag.Int("worn", 6, "how many worn and badly photographed posters to read; 1,000 take some minutes")

// wear is what may happen between the printer and the decoder. The symbol's place in the picture is given in its pixels.
type wear struct {
	name string
	do   func(r *rand.Rand, img *image.Gray) *image.Gray
}

var wears = []wear{
	{"blurred", func(_ *rand.Rand, img *image.Gray) *image.Gray { return blurred(img, 1.6) }},
	{"turned", func(r *rand.Rand, img *image.Gray) *image.Gray { return turned(img, []float64{-8, 8}[r.IntN(2)]) }},
	{"faded", func(_ *rand.Rand, img *image.Gray) *image.Gray { return faded(img, 0.3) }},
	{"squeezed", func(_ *rand.Rand, img *image.Gray) *image.Gray { return squeezed(img, 40) }},
	{"covered", covered},
	{"all", func(r *rand.Rand, img *image.Gray) *image.Gray {
		return squeezed(faded(turned(blurred(covered(r, img), 1), []float64{-8, 8}[r.IntN(2)]), 0.3), 40)
	}},
}

// photoSide is the longer side of what a cheap phone's camera looks for codes in, in pixels.
const photoSide = 1280

// TestWornPostersRead renders posters as PDF by an independent program, at 300 and at 100 dots an inch, wears them, and has
// two independent decoders read them: gozxing and zbarimg. Each reads 99 of 100.
func TestWornPostersRead(t *testing.T) {
	var mu sync.Mutex
	missed := map[string][]string{}
	t.Run("variants", func(t *testing.T) { // ends when all of them have
		for i := range (*wornVariants + len(wears) - 1) / len(wears) {
			ways := wears[:min(len(wears), *wornVariants-i*len(wears))]
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				wearOut(t, i, ways, func(decoder, name string) {
					mu.Lock()
					defer mu.Unlock()
					missed[decoder] = append(missed[decoder], name)
				})
			})
		}
	})
	for _, decoder := range []string{"gozxing", "zbarimg"} {
		slices.Sort(missed[decoder])
		t.Logf("%s read %d of %d: %v", decoder, *wornVariants-len(missed[decoder]), *wornVariants, missed[decoder])
		if len(missed[decoder])*100 > *wornVariants {
			t.Errorf("%s missed %d of %d", decoder, len(missed[decoder]), *wornVariants)
		}
	}
}

// wearOut wears the poster of a number in some ways, and says which decoder missed which of them.
func wearOut(t *testing.T, number int, ways []wear, miss func(decoder, name string)) {
	t.Helper()
	format := poster.Formats()[number%len(poster.Formats())]
	dpi := []int{100, 300}[number/len(poster.Formats())%2]
	p := samplePoster(t, uint32(1000+number))
	style := poster.Style{Format: format, Language: poster.Language(number % 3)}
	pdf := write(t, func(w io.Writer) error { return poster.PDF(w, style, sheet(p, format)...) })
	photo := photographed(crop(render(t, pdf, dpi), first(format)))
	r := rand.New(rand.NewPCG(uint64(number), 7))
	for _, w := range ways {
		worn := w.do(r, photo)
		name := fmt.Sprintf("%v-%d-%s", format, dpi, w.name)
		if !gozxingReads(worn, p.Code) {
			miss("gozxing", name)
		}
		if !zbarReads(t, worn, p.Code) {
			miss("zbarimg", name)
		}
	}
}

func gozxingReads(img image.Image, want string) bool {
	for _, binarize := range []func(gozxing.LuminanceSource) gozxing.Binarizer{
		gozxing.NewHybridBinarizer, gozxing.NewGlobalHistgramBinarizer,
	} {
		bitmap, err := gozxing.NewBinaryBitmap(binarize(gozxing.NewLuminanceSourceFromImage(img)))
		if err != nil {
			continue
		}
		result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
		if err == nil && result.GetText() == want {
			return true
		}
	}
	return false
}

func zbarReads(t *testing.T, img *image.Gray, want string) bool {
	t.Helper()
	file := fmt.Appendf(nil, "P5 %d %d 255\n", img.Rect.Dx(), img.Rect.Dy()) // a portable graymap, which costs nothing to pack
	path := filepath.Join(t.TempDir(), "worn.pgm")
	if err := os.WriteFile(path, append(file, img.Pix...), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path)
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=none:")
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatalf("zbarimg (Debian package zbar-tools): %v", err)
	}
	return strings.TrimSpace(string(out)) == want
}

// photographed shrinks a picture to what a camera looks at.
func photographed(img image.Image) *image.Gray {
	b := img.Bounds()
	scale := min(float64(photoSide)/float64(max(b.Dx(), b.Dy())), 1)
	out := image.NewGray(image.Rect(0, 0, int(scale*float64(b.Dx())), int(scale*float64(b.Dy()))))
	xdraw.CatmullRom.Scale(out, out.Bounds(), img, b, xdraw.Src, nil)
	return out
}

// blurred spreads each pixel by a Gaussian of so many pixels, first along rows and then along columns.
func blurred(img *image.Gray, sigma float64) *image.Gray {
	reach := int(math.Ceil(3 * sigma))
	weights := make([]float64, 2*reach+1)
	total := 0.0
	for i := range weights {
		d := float64(i - reach)
		weights[i] = math.Exp(-d * d / (2 * sigma * sigma))
		total += weights[i]
	}
	pass := func(in *image.Gray, dx, dy int) *image.Gray {
		out := image.NewGray(in.Rect)
		for y := range in.Rect.Dy() {
			for x := range in.Rect.Dx() {
				sum := 0.0
				for i, w := range weights {
					sx := min(max(x+(i-reach)*dx, 0), in.Rect.Dx()-1)
					sy := min(max(y+(i-reach)*dy, 0), in.Rect.Dy()-1)
					sum += w * float64(in.Pix[sy*in.Stride+sx])
				}
				out.Pix[y*out.Stride+x] = uint8(sum/total + 0.5)
			}
		}
		return out
	}
	return pass(pass(img, 1, 0), 0, 1)
}

// turned turns a picture about its middle, on a grey wall.
func turned(img *image.Gray, degrees float64) *image.Gray {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	width, height := w*cos+h*math.Abs(sin), w*math.Abs(sin)+h*cos
	out := image.NewGray(image.Rect(0, 0, int(width), int(height)))
	xdraw.Draw(out, out.Rect, image.NewUniform(color.Gray{Y: 150}), image.Point{}, xdraw.Src)
	m := f64.Aff3{cos, -sin, width/2 - cos*w/2 + sin*h/2, sin, cos, height/2 - sin*w/2 - cos*h/2}
	xdraw.BiLinear.Transform(out, m, img, img.Rect, xdraw.Over, nil)
	return out
}

// faded leaves a share of the contrast.
func faded(img *image.Gray, share float64) *image.Gray {
	out := image.NewGray(img.Rect)
	for i, v := range img.Pix {
		out.Pix[i] = uint8(255*(1-share)*0.6 + share*float64(v))
	}
	return out
}

// squeezed goes through JPEG.
func squeezed(img *image.Gray, quality int) *image.Gray {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	decoded, err := jpeg.Decode(&file)
	if err != nil {
		panic(err)
	}
	out := image.NewGray(img.Rect)
	xdraw.Draw(out, out.Rect, decoded, decoded.Bounds().Min, xdraw.Src)
	return out
}

// covered lays a thumb over an eighth of each side of the symbol, in the corner without a finder. (zbarimg reads on when it is
// a fifth; gozxing then takes something else for the hidden alignment pattern.)
func covered(_ *rand.Rand, img *image.Gray) *image.Gray {
	symbol := symbolIn(img)
	out := image.NewGray(img.Rect)
	copy(out.Pix, img.Pix)
	thumb := image.Rect(symbol.Max.X-symbol.Dx()/8, symbol.Max.Y-symbol.Dy()/8, symbol.Max.X, symbol.Max.Y)
	xdraw.Draw(out, thumb, image.NewUniform(color.Gray{Y: 110}), image.Point{}, xdraw.Src)
	return out
}

// symbolIn returns where a decoder finds the symbol of an upright poster.
func symbolIn(img image.Image) image.Rectangle {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		panic(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return image.Rectangle{}
	}
	points := result.GetResultPoints() // the middles of the finders: bottom left, top left, top right
	left, top := points[1].GetX(), points[1].GetY()
	side := points[2].GetX() - left
	edge := side / 38 * 3.5 // a finder is 7 modules, their middles are 38 apart in version 7
	return image.Rect(int(left-edge), int(top-edge), int(left+side+edge), int(top+side+edge))
}
