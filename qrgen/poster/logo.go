package poster

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // what logos come as, beside PNG
	"image/png"
	"io"
	"math"

	"golang.org/x/image/draw"
)

// The bounds of a logo's file. A small file may hold very many pixels, so these are counted before they are decoded: a progressive
// JPEG of four channels takes 24 bytes of memory for each, 216 MB in all.
const (
	MaxLogoBytes = 4 << 20
	maxLogoSide  = 3000 // pixels
)

// logoSide is the largest side of a logo as it is drawn, in pixels: 300 a centimetre on A4.
const logoSide = 500

// ErrLogo means that a file is no logo.
var ErrLogo = errors.New("a logo is a PNG or JPEG of up to 4 MiB and 3,000 pixels a side")

// Logo is an organisation's picture. It never changes and may be used concurrently.
type Logo struct{ image image.Image }

// ReadLogo reads a PNG or JPEG. The error is [ErrLogo] for what is none or too large.
func ReadLogo(r io.Reader) (*Logo, error) {
	file, err := io.ReadAll(io.LimitReader(r, MaxLogoBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading a logo: %w", err)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || len(file) > MaxLogoBytes || min(config.Width, config.Height) < 1 || max(config.Width, config.Height) > maxLogoSide {
		return nil, ErrLogo
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, ErrLogo
	}
	return &Logo{shrunk(img)}, nil
}

// WritePNG writes the logo as it is drawn, with nothing else of the file that it was read from. Read again it is the same.
func (l *Logo) WritePNG(w io.Writer) error {
	if err := png.Encode(w, l.image); err != nil {
		return fmt.Errorf("writing a logo: %w", err)
	}
	return nil
}

// shrunk returns an image no larger than logoSide.
func shrunk(img image.Image) image.Image {
	b := img.Bounds()
	scale := float64(logoSide) / float64(max(b.Dx(), b.Dy()))
	if scale >= 1 {
		return img
	}
	side := func(n int) int { return max(int(math.Round(scale*float64(n))), 1) }
	small := image.NewNRGBA(image.Rect(0, 0, side(b.Dx()), side(b.Dy())))
	draw.CatmullRom.Scale(small, small.Bounds(), img, b, draw.Src, nil)
	return small
}
