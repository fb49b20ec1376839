package cli

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const posterList = `place_id,kind,name,part,address,serial,issued
` + qrTestPlace + `,market,Chợ Sắt,Cổng số 1,"1 Quang Trung, Hồng Bàng",1,1636045200
` + qrTestPlace + `,meeting_room,Tòa nhà A,Phòng A1,,2,2021-11-05T00:00:00+07:00
`

func writeList(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "places.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestQRPosterIsTheSameAgain(t *testing.T) {
	keys, list := newQRKeyFile(t), writeList(t, "\ufeff"+posterList)
	for _, ending := range []string{".pdf", ".zip"} {
		var files [2][]byte
		for i := range files {
			path := filepath.Join(t.TempDir(), "posters"+ending)
			out := mustQR(t, "poster", "--csv", list, "--keys", keys, "--base", "https://c.example.vn", "--size", "A6", "--lang", "vi", "--out", path)
			if !strings.Contains(out, "2 posters are in "+path) {
				t.Errorf("it says %q", out)
			}
			var err error
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("two %s files of one list differ", ending)
		}
	}
}

func TestQRPosterZipHasAFileForEach(t *testing.T) {
	keys, list := newQRKeyFile(t), writeList(t, posterList)
	for ending, begin := range map[string]string{"pdf": "%PDF-", "svg": "<svg ", "png": "\x89PNG"} {
		path := filepath.Join(t.TempDir(), "posters.zip")
		mustQR(t, "poster", "--csv", list, "--keys", keys, "--base", "https://c.example.vn", "--size", "sticker", "--files", ending, "--out", path)
		files, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files.File {
			names = append(names, f.Name)
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			head := make([]byte, len(begin))
			if _, err := io.ReadFull(r, head); err != nil || string(head) != begin {
				t.Errorf("%s begins with %q, %v", f.Name, head, err)
			}
			r.Close()
		}
		if got, want := strings.Join(names, " "), "00001-cho-sat-cong-so-1."+ending+" 00002-toa-nha-a-phong-a1."+ending; got != want {
			t.Errorf("the files are %s, want %s", got, want)
		}
		files.Close()
	}
}

// TestQRPosterNamesBadRows has a good row after each bad one.
func TestQRPosterNamesBadRows(t *testing.T) {
	good := qrTestPlace + ",market,=1+1 🍜 chợ,,,1,1636045200\n"
	bad := []struct{ row, says string }{
		{"nonsense,market,Chợ,,,1,1636045200\n", ":2: column place_id: is not a UUID"},
		{qrTestPlace + ",castle,Chợ,,,1,1636045200\n", ":4: column kind: "},
		{qrTestPlace + ",market,,,,1,1636045200\n", ":6: column name: drawing a poster: nothing of the name can be printed"},
		{qrTestPlace + ",market,Chợ,,,-1,1636045200\n", ":8: column serial: is not a number"},
		{qrTestPlace + ",market,Chợ,,,1,yesterday\n", ":10: column issued: "},
		{qrTestPlace + ",market,Chợ,,,1\n", ":12: wrong number of fields"},
		{qrTestPlace + ",market,Ch\xff,,,1,1636045200\n", ":14: column name: is not UTF-8"},
		{qrTestPlace + ",market,a\"b,,,1,1636045200\n", `:16: bare " in non-quoted-field`},
	}
	text := "place_id,kind,name,part,address,serial,issued\n"
	for _, b := range bad {
		text += b.row + good
	}
	path := filepath.Join(t.TempDir(), "posters.pdf")
	out, code, err := runQR(t, "poster", "--csv", writeList(t, text), "--keys", newQRKeyFile(t), "--base", "https://c.example.vn", "--out", path)
	if code != ExitRefused || err.Error() != "8 of 16 rows were left out" {
		t.Errorf("exit code %d, %v", code, err)
	}
	for _, b := range bad {
		if !strings.Contains(out, b.says) {
			t.Errorf("it does not say %q: %s", b.says, out)
		}
	}
	if !strings.Contains(out, ":3: column name: the font has no 🍜: left out") || !strings.Contains(out, "8 posters are in ") {
		t.Errorf("it says %s", out)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestQRPosterRefuses(t *testing.T) {
	keys, list := newQRKeyFile(t), writeList(t, posterList)
	path := filepath.Join(t.TempDir(), "posters.pdf")
	for name, try := range map[string]struct {
		args []string
		code int
	}{
		"size":     {[]string{"--size", "B5"}, ExitUsage},
		"language": {[]string{"--lang", "fr"}, ExitUsage},
		"base":     {[]string{"--base", "c.example.vn"}, ExitUsage},
		"zone":     {[]string{"--time-zone", "Mars/Olympus"}, ExitUsage},
		"ending":   {[]string{"--out", "posters.doc"}, ExitUsage},
		"files":    {[]string{"--files", "doc"}, ExitUsage},
		"no list":  {[]string{"--csv", "nowhere.csv"}, ExitFailure},
		"columns":  {[]string{"--csv", writeList(t, "place_id,kind\n")}, ExitFailure},
		"no rows":  {[]string{"--csv", writeList(t, strings.SplitAfter(posterList, "\n")[0])}, ExitFailure},
		"logo":     {[]string{"--logo", list}, ExitFailure},
	} {
		args := []string{"poster", "--csv", list, "--keys", keys, "--base", "https://c.example.vn", "--out", path}
		if _, code, err := runQR(t, append(args, try.args...)...); code != try.code {
			t.Errorf("%s: exit code %d, %v", name, code, err)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("%s: %s is left", name, left[0].Name())
		}
	}
}
