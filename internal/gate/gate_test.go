package gate

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/truyvet/truyvet/internal/sealbox"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/qrgen"
)

const card = "001099012345|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi, Đà Nẵng|15032021"

var (
	noon  = time.Date(2021, 12, 1, 5, 0, 0, 0, time.UTC)
	place = uuid.MustParse("018c0a3e-0000-7000-8000-000000000001")
)

// bench is a device with the keys of a server.
type bench struct {
	Device
	keys  *qrgen.KeySet
	boxes *sealbox.Ring
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{keys: qrgen.NewKeySet()}
	_, err := b.keys.Create(noon)
	if err == nil {
		b.boxes, err = sealbox.NewRing([]sealbox.Key{{ID: 1, Key: bytes.Repeat([]byte{3}, sealbox.KeySize)}})
	}
	var public []byte
	if err == nil {
		public, err = b.keys.PublicJSON()
	}
	if err == nil {
		err = b.SetKeys(place.String(), public, b.boxes.PublicJSON())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) personal(t testing.TB, issued time.Time) string {
	t.Helper()
	text, err := b.keys.SignPersonal(qrgen.PersonalCode{Alias: place, IssuedAt: issued, ExpiresAt: issued.Add(qrgen.PersonalCodeLife)})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestKeep(t *testing.T) {
	b, stranger := newBench(t), newBench(t)
	for _, c := range []struct {
		text    string
		at      time.Time
		problem string
		kind    shown.Kind
	}{
		{card, noon, "", shown.IDCard},
		{"001099012345", noon, "", shown.IDNumber},
		{"0912 345 678", noon, "", shown.PhoneNumber},
		{b.personal(t, noon), noon.Add(59 * time.Second), "", shown.PersonalCode},
		{b.personal(t, noon), noon.Add(time.Minute), ProblemOver, shown.PersonalCode},
		{stranger.personal(t, noon), noon, ProblemNothing, shown.PersonalCode},
		{b.personal(t, noon.Add(time.Hour)), noon, ProblemNothing, shown.PersonalCode},
		{"hello", noon, ProblemNothing, shown.Nothing},
		{"", noon, ProblemNothing, shown.Nothing},
	} {
		id := uuid.New()
		kept, err := b.Keep(id, c.text, c.at)
		if err != nil || kept.Problem != c.problem || kept.Kind != c.kind || (kept.Box == nil) != (c.problem != "") {
			t.Errorf("%.20q is kept as %q with the problem %q, %v", c.text, kept.Kind, kept.Problem, err)
			continue
		}
		if kept.Box == nil {
			continue
		}
		if bytes.Contains(kept.Box, []byte("001099012345")) {
			t.Error("the number stands in the box")
		}
		if text, err := b.boxes.Open(sealbox.Bound{Place: place, Scan: id}, kept.Box); err != nil || text != c.text {
			t.Errorf("the box holds %q, %v", text, err)
		}
	}
}

// TestKeepPlace reads the codes of places, and believes those alone that are good.
func TestKeepPlace(t *testing.T) {
	b, stranger := newBench(t), newBench(t)
	sign := func(of *bench, expires time.Time) string {
		t.Helper()
		code, err := of.keys.Sign(qrgen.Token{Kind: qrgen.KindMeetingRoom, Place: place, IssuedAt: noon, ExpiresAt: expires, Serial: 1})
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	wall, screen := sign(b, time.Time{}), sign(b, noon.Add(time.Minute))
	for _, c := range []struct {
		text    string
		at      time.Time
		problem string
	}{
		{wall, noon, ""},
		{strings.ToLower(wall), noon, ""},
		{"HTTPS://TRUYVET.VN/Q/" + wall + "\r", noon, ""},
		{screen, noon.Add(59 * time.Second), ProblemScreen},
		{screen, noon.Add(time.Minute), ProblemPlace},
		{wall, noon.Add(-time.Hour), ProblemPlace},
		{sign(stranger, time.Time{}), noon, ProblemPlace},
	} {
		var want Place
		if c.problem == "" {
			short, err := qrgen.CheckCode(wall)
			if err != nil {
				t.Fatal(err)
			}
			want = Place{Token: wall, ID: place, Kind: qrgen.KindMeetingRoom, Short: short}
		}
		kept, err := b.Keep(uuid.New(), c.text, c.at)
		if err != nil || kept.Kind != shown.PlaceCode || kept.Box != nil || kept.Problem != c.problem || kept.Place != want {
			t.Errorf("%.30q is kept as %+v, %v", c.text, kept, err)
		}
	}
}

// TestTyped tells by its signature what a reader meant that may have meant several things.
func TestTyped(t *testing.T) {
	b := newBench(t)
	code := b.personal(t, noon)
	vni := strings.NewReplacer("U4", "Ũ", "O2", "Ò", "Y3", "Ỷ", "A4", "Ã", "E5", "Ẹ", "I5", "Ị", "A6", "Â")
	for text, want := range map[string]string{vni.Replace(code): code, strings.ToLower(code): strings.ToLower(code), "&&&": "&&&"} {
		got, kind, reader := b.Typed(text, "", 2*time.Second)
		if whole := len(text) > 9; got != want || reader != whole || (kind == shown.PersonalCode) != whole {
			t.Errorf("%.20q is read as %.20q, a %q, by a reader: %v", text, got, kind, reader)
		}
	}
}

func TestKeys(t *testing.T) {
	var d Device
	if _, err := d.Keep(uuid.New(), card, noon); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
	b := newBench(t)
	public, err := b.keys.PublicJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][3]string{
		"place": {"x", string(public), string(b.boxes.PublicJSON())}, "keys": {place.String(), "{}", string(b.boxes.PublicJSON())},
		"box key": {place.String(), string(public), "{}"},
	} {
		if b.SetKeys(bad[0], []byte(bad[1]), []byte(bad[2])) == nil {
			t.Errorf("a bad %s is taken", name)
		}
	}
	if kept, err := b.Keep(uuid.New(), card, noon); err != nil || kept.Box == nil {
		t.Errorf("after keys that are refused: %v", err)
	}
}

// picture draws the code of a text on gray, as the pixels of a canvas.
func picture(t testing.TB, text string, width, height, size int) []byte {
	t.Helper()
	code, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, size, size,
		map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "UTF-8", gozxing.EncodeHintType_MARGIN: 4})
	if err != nil {
		t.Fatal(err)
	}
	frame := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(frame, frame.Rect, image.NewUniform(color.Gray{Y: 150}), image.Point{}, draw.Src)
	corner := image.Pt((width-size)/2, (height-size)/3)
	draw.Draw(frame, code.Bounds().Add(corner), code, image.Point{}, draw.Src)
	return frame.Pix
}

func TestDecode(t *testing.T) {
	b := newBench(t)
	for _, text := range []string{card, b.personal(t, noon), "HTTPS://TRUYVET.VN/Q/" + strings.Repeat("A", qrgen.TokenLength)} {
		if got, err := b.Decode(picture(t, text, 640, 480, 300), 640, 480); err != nil || got != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
		if got, err := b.Decode(picture(t, text, 480, 640, 220), 480, 640); err != nil || got != text {
			t.Errorf("upright: %q is read as %q, %v", text, got, err)
		}
	}
	if got, err := b.Decode(make([]byte, 4*64*48), 64, 48); err != nil || got != "" {
		t.Errorf("black is read as %q, %v", got, err)
	}
	for _, bad := range [][3]int{{0, 0, 0}, {4, 1, 2}, {8, -1, -2}, {16, 1 << 40, 1 << 40}} {
		if _, err := b.Decode(make([]byte, bad[0]), bad[1], bad[2]); err == nil {
			t.Errorf("%d bytes are a picture of %d by %d", bad[0], bad[1], bad[2])
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(picture(f, card, 160, 120, 110), 160)
	f.Add(make([]byte, 4*64*64), 64)
	b := newBench(f)
	f.Fuzz(func(t *testing.T, pixels []byte, width int) {
		if width <= 0 || width > len(pixels) {
			return
		}
		height := len(pixels) / 4 / width
		if _, err := b.Decode(pixels[:4*width*height], width, height); err != nil && height > 0 {
			t.Fatal(err)
		}
	})
}

func BenchmarkDecode(bench *testing.B) {
	b := newBench(bench)
	for name, pixels := range map[string][]byte{
		"card": picture(bench, card, 640, 480, 300), "nothing": bytes.Repeat([]byte{90, 120, 140, 255, 150, 140, 130, 255}, 640*480/2),
	} {
		bench.Run(name, func(bench *testing.B) {
			for bench.Loop() {
				if _, err := b.Decode(pixels, 640, 480); err != nil {
					bench.Fatal(err)
				}
			}
		})
	}
}
