package gate

import (
	"errors"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// LargestPicture is how many pixels a picture may have.
const LargestPicture = 4096 * 4096

// errPicture refuses what is no picture of that size.
var errPicture = errors.New("the picture is not as large as it says")

// decoder finds codes in pictures. What it needs for one it keeps for the next.
type decoder struct {
	reader gozxing.Reader
	gray   []byte
	turn   int
}

// Decode returns what the QR code in a picture says, and nothing where none is found. The picture is rows of pixels, each four
// bytes: red, green, blue and one that does not matter. Every other picture is looked at more closely, which takes longer: of a
// code that is held still one of the two finds it.
func (d *Device) Decode(pixels []byte, width, height int) (string, error) {
	return d.decoder.decode(pixels, width, height)
}

func (d *decoder) decode(pixels []byte, width, height int) (string, error) {
	if width <= 0 || height <= 0 || width > LargestPicture/height || len(pixels) != 4*width*height {
		return "", errPicture
	}
	if d.reader == nil {
		d.reader = qrcode.NewQRCodeReader()
	}
	if len(d.gray) != width*height {
		d.gray = make([]byte, width*height)
	}
	for i := range d.gray {
		p := pixels[4*i : 4*i+3 : 4*i+3]
		d.gray[i] = byte((306*uint(p[0]) + 601*uint(p[1]) + 117*uint(p[2])) >> 10) // luma of BT.601
	}
	d.turn++
	source, err := gozxing.NewPlanarYUVLuminanceSource(d.gray, width, height, 0, 0, width, height, false)
	if err != nil {
		return "", errPicture
	}
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(source))
	if err != nil {
		return "", errPicture
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
	if d.turn%2 == 0 {
		hints[gozxing.DecodeHintType_TRY_HARDER] = true
	}
	result, err := d.reader.Decode(bitmap, hints)
	if err != nil {
		return "", nil //nolint:nilerr // there is no code in most pictures, and of a code that cannot be read the next one comes
	}
	return result.GetText(), nil
}
