package cli

import (
	"bytes"
	"errors"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/truyvet/truyvet/qrgen"
)

const qrTestPlace = "0184a6f0-6f30-7c11-8a52-3d6f5b1e9c01"

var qrTestNow = time.Date(2021, 12, 1, 5, 0, 0, 0, time.UTC)

// runQR drives the command as main does and returns its output and exit code.
func runQR(t *testing.T, args ...string) (string, int, error) {
	t.Helper()
	cmd := newQRCmdAt(func() time.Time { return qrTestNow })
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	var exit *ExitError
	switch {
	case err == nil:
		return out.String(), 0, nil
	case errors.As(err, &exit):
		return out.String(), exit.Code, err
	}
	return out.String(), ExitFailure, err
}

func mustQR(t *testing.T, args ...string) string {
	t.Helper()
	out, code, err := runQR(t, args...)
	if err != nil {
		t.Fatalf("qr %v: exit code %d: %v", args, code, err)
	}
	return out
}

func newQRKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if out := mustQR(t, "keygen", "--out", path); out != "key 1 is current\n" {
		t.Fatalf("keygen says %q", out)
	}
	return path
}

func signQR(t *testing.T, keys string, more ...string) string {
	t.Helper()
	args := append([]string{"sign", "--keys", keys, "--place", qrTestPlace, "--kind", "market"}, more...)
	return strings.TrimSpace(mustQR(t, args...))
}

func TestQRSignThenVerify(t *testing.T) {
	keys := newQRKeyFile(t)
	public := filepath.Join(t.TempDir(), "public.json")
	if err := os.WriteFile(public, []byte(mustQR(t, "keys", "public", "--keys", keys)), 0o644); err != nil {
		t.Fatal(err)
	}
	const fields = "kind: market\nplace: " + qrTestPlace + "\nserial: 3\nissued: 2021-12-01T05:00:00Z\nexpires: 2021-12-02T01:00:00Z\nkey: 1\n"
	url := signQR(t, keys, "--serial", "3", "--expires", "2021-12-02T08:00:00+07:00", "--base", "https://truyvet.vn")
	if !strings.HasPrefix(url, "HTTPS://TRUYVET.VN/Q/") {
		t.Fatalf("the URL is %s", url)
	}
	token := strings.TrimPrefix(url, "HTTPS://TRUYVET.VN/Q/")
	if again := signQR(t, keys, "--serial", "3", "--issued", "1638334800", "--expires", "1638406800"); again != token {
		t.Error("the same fields gave another token")
	}
	for _, file := range []string{keys, public} {
		for _, text := range []string{url, token, strings.ToLower(token)} {
			if out := mustQR(t, "verify", "--keys", file, text); out != "good\n"+fields {
				t.Errorf("verify says %q", out)
			}
		}
	}
	if out := mustQR(t, "inspect", url); out != "not verified\n"+fields {
		t.Errorf("inspect says %q", out)
	}
	out, code, err := runQR(t, "verify", "--keys", public, "--at", "1638406800", token)
	if out != "expired\n"+fields || code != ExitRefused || !errors.Is(err, qrgen.ErrExpired) {
		t.Errorf("at its expiry: %q, exit code %d, %v", out, code, err)
	}
}

func TestQRVerifyRefuses(t *testing.T) {
	keys := newQRKeyFile(t)
	token := signQR(t, keys)
	flipped := []byte(token)
	flipped[60] = 'A'
	if token[60] == 'A' {
		flipped[60] = 'B'
	}
	other := signQR(t, newQRKeyFile(t))
	tests := []struct{ name, text, want string }{
		{"nonsense", "nonsense", "malformed\n"},
		{"somebody else's key 1", other, "bad_signature\n"},
		{"a character changed", string(flipped), "bad_signature\n"},
		{"another version", "AI" + token[2:], "unknown_version\n"},
	}
	for _, tt := range tests {
		out, code, err := runQR(t, "verify", "--keys", keys, tt.text)
		if out != tt.want || code != ExitRefused || err == nil || strings.Contains(err.Error(), token[:20]) {
			t.Errorf("%s: %q, exit code %d, %v", tt.name, out, code, err)
		}
	}
	if out, code, err := runQR(t, "inspect", "https://truyvet.vn/menu"); code != ExitRefused || out != "" {
		t.Errorf("inspecting a menu: %q, exit code %d, %v", out, code, err)
	}
}

// TestQRVerifySaysWhy has a code for every answer that there is.
func TestQRVerifySaysWhy(t *testing.T) {
	keys, other := newQRKeyFile(t), newQRKeyFile(t)
	compromised := signQR(t, keys)
	mustQR(t, "keys", "rotate", "--keys", keys)
	mustQR(t, "keys", "rotate", "--keys", other)
	mustQR(t, "keys", "rotate", "--keys", other)
	mustQR(t, "keys", "compromise", "--keys", keys, "--id", "1")
	revoked := filepath.Join(t.TempDir(), "revoked.csv")
	list := "place_id,serial\n" + qrTestPlace + ",4\n" + qrTestPlace + ",2\n"
	if err := os.WriteFile(revoked, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	good := signQR(t, keys, "--serial", "5")
	for want, text := range map[string]string{
		"good":             good,
		"malformed":        good[:50],
		"unknown_version":  "AI" + good[2:],
		"unknown_key":      signQR(t, other),
		"compromised_key":  compromised,
		"bad_signature":    good[:len(good)-20] + compromised[len(good)-20:],
		"issued_in_future": signQR(t, keys, "--serial", "5", "--issued", "2021-12-01T06:00:00Z"),
		"expired":          signQR(t, keys, "--serial", "5", "--issued", "2021-11-01T05:00:00Z", "--expires", "2021-12-01T05:00:00Z"),
		"revoked":          signQR(t, keys, "--serial", "4"),
	} {
		out, code, err := runQR(t, "verify", "--keys", keys, "--revoked", revoked, text)
		said, _, _ := strings.Cut(out, "\n")
		if wantCode := map[bool]int{true: 0, false: ExitRefused}[want == "good"]; said != want || code != wantCode {
			t.Errorf("%s: it says %q, exit code %d, %v", want, out, code, err)
		}
	}
	for text, column := range map[string]string{
		"place_id,serial\n12,4\n": ":2: column place_id", "place_id,serial\n" + qrTestPlace + ",-1\n": ":2: column serial", "place_id\n": ":1: ",
	} {
		if err := os.WriteFile(revoked, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, code, err := runQR(t, "verify", "--keys", keys, "--revoked", revoked, good); code != ExitFailure || !strings.Contains(err.Error(), column) {
			t.Errorf("a bad list: %q, exit code %d, %v", out, code, err)
		}
	}
}

func TestQRKeyRotation(t *testing.T) {
	keys := newQRKeyFile(t)
	first := signQR(t, keys)
	if out := mustQR(t, "keys", "rotate", "--keys", keys); out != "key 2 is current\n" {
		t.Errorf("rotate says %q", out)
	}
	second := signQR(t, keys)
	mustQR(t, "verify", "--keys", keys, first)
	mustQR(t, "verify", "--keys", keys, second)
	if out := mustQR(t, "keys", "compromise", "--keys", keys, "--id", "1"); out != "key 1 is compromised\n" {
		t.Errorf("compromise says %q", out)
	}
	if out, code, _ := runQR(t, "verify", "--keys", keys, first); out != "compromised_key\n" || code != ExitRefused {
		t.Errorf("the compromised key's code: %q, exit code %d", out, code)
	}
	if out := mustQR(t, "keys", "retire", "--keys", keys, "--id", "2"); out != "key 2 is retired\n" {
		t.Errorf("retire says %q", out)
	}
	if _, code, err := runQR(t, "sign", "--keys", keys, "--place", qrTestPlace, "--kind", "market"); code != ExitFailure || !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("signing with no current key: exit code %d, %v", code, err)
	}
	lines := strings.Split(mustQR(t, "keys", "list", "--keys", keys), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "1   compromised  2021-12-01T05:00:00Z") || !strings.HasPrefix(lines[2], "2   retired ") {
		t.Errorf("list says %q", lines)
	}
	info, err := os.Stat(keys)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has permissions %v, %v", info.Mode(), err)
	}
}

func TestQRPrintsNoPrivateKey(t *testing.T) {
	keys := newQRKeyFile(t)
	data, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), `"private_key": "`)
	secret, _, found := strings.Cut(rest, `"`)
	if !found || len(secret) != 44 {
		t.Fatal("no private key found in the file to look for")
	}
	for _, args := range [][]string{
		{"keys", "list", "--keys", keys},
		{"keys", "public", "--keys", keys},
		{"sign", "--keys", keys, "--place", qrTestPlace, "--kind", "shop"},
		{"keys", "rotate", "--keys", keys},
	} {
		if strings.Contains(mustQR(t, args...), secret) {
			t.Errorf("qr %v printed the private key", args)
		}
	}
}

func TestQRImage(t *testing.T) {
	url := signQR(t, newQRKeyFile(t), "--base", "https://truyvet.vn")
	dir := t.TempDir()
	picture := filepath.Join(dir, "code.png")
	mustQR(t, "image", "--out", picture, "--scale", "4", url)
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want := (45 + 8) * 4; img.Bounds().Dx() != want {
		t.Errorf("the picture is %d pixels wide, want %d", img.Bounds().Dx(), want)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	// The key is random, and the decoder's search for a symbol in a photograph
	// misses one in a hundred even where nothing else is in the picture.
	pure := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	if result, err := qrcode.NewQRCodeReader().Decode(bitmap, pure); err != nil || result.GetText() != url {
		t.Errorf("the picture reads %v, %v", result, err)
	}
	vector := filepath.Join(dir, "code.SVG")
	mustQR(t, "image", "--out", vector, "--title", "Chợ Tân Định", url)
	if data, err := os.ReadFile(vector); err != nil || !bytes.Contains(data, []byte("<title>Chợ Tân Định</title>")) {
		t.Errorf("the SVG has no title: %v", err)
	}
}

func TestQRExitCodes(t *testing.T) {
	keys := newQRKeyFile(t)
	open := filepath.Join(t.TempDir(), "open.json")
	data, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, data, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args []string
		code int
		is   error
	}{
		{[]string{"bogus"}, ExitUsage, nil},
		{[]string{"keys", "bogus"}, ExitUsage, nil},
		{[]string{"keygen"}, ExitUsage, nil},
		{[]string{"keygen", "--out", ""}, ExitUsage, nil},
		{[]string{"keygen", "--bogus"}, ExitUsage, nil},
		{[]string{"keygen", "--out", keys}, ExitFailure, fs.ErrExist},
		{[]string{"keys", "list", "--keys", keys + ".missing"}, ExitFailure, fs.ErrNotExist},
		{[]string{"keys", "list", "--keys", open}, ExitFailure, qrgen.ErrOpenToOthers},
		{[]string{"keys", "retire", "--keys", keys}, ExitUsage, nil},
		{[]string{"keys", "retire", "--keys", keys, "--id", "70000"}, ExitUsage, nil},
		{[]string{"keys", "retire", "--keys", keys, "--id", "9"}, ExitFailure, qrgen.ErrNoSuchKey},
		{[]string{"sign", "--keys", keys, "--kind", "market"}, ExitUsage, nil},
		{[]string{"sign", "--keys", keys, "--kind", "market", "--place", "12"}, ExitUsage, nil},
		{[]string{"sign", "--keys", keys, "--kind", "castle", "--place", qrTestPlace}, ExitUsage, nil},
		{[]string{"sign", "--keys", keys, "--kind", "market", "--place", qrTestPlace, "--issued", "yesterday"}, ExitUsage, nil},
		{[]string{"sign", "--keys", keys, "--kind", "market", "--place", qrTestPlace, "--expires", "5"}, ExitUsage, nil},
		{[]string{"sign", "--keys", keys, "--kind", "market", "--place", qrTestPlace, "--expires", "0001-01-01T00:00:00Z"}, ExitUsage, nil},
		{[]string{"sign", "--keys", keys, "--kind", "market", "--place", qrTestPlace, "--base", "https://truyvet.vn/app"}, ExitUsage, nil},
		{[]string{"verify", "--keys", keys}, ExitUsage, nil},
		{[]string{"verify", "x"}, ExitUsage, nil},
		{[]string{"inspect", "a", "b"}, ExitUsage, nil},
		{[]string{"image", "--out", "code.jpg", "A"}, ExitUsage, nil},
		{[]string{"image", "--out", "code.png", "--scale", "-1", "A"}, ExitUsage, nil},
		{[]string{"image", "--out", filepath.Join(keys, "code.png"), "A"}, ExitFailure, nil},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			out, code, err := runQR(t, tt.args...)
			if code != tt.code || (tt.is != nil && !errors.Is(err, tt.is)) {
				t.Errorf("exit code %d, %v; it printed %q", code, err, out)
			}
		})
	}
	if out := mustQR(t); !strings.Contains(out, "keygen") || !strings.Contains(out, "Exit codes") {
		t.Errorf("qr alone prints %q", out)
	}
}
