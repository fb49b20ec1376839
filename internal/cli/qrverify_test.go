package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// TestRevocation takes a code back in the register, writes the list of revoked codes, and verifies codes by it with files alone.
func TestRevocation(t *testing.T) {
	b := newBureau(t)
	b.must(newAccountCmd, "create", "--login", "cho", "--role", "owner", "--organisation", "Chợ")
	cfg, err := config.Load(t.Context(), []string{"TRUYVET_DATA=" + b.data}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := app.OpenOffice(t.Context(), cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	known, err := o.Places(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owners, err := o.Registry.Organisations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owner := registry.Account{Organisation: owners[0].ID}
	old, err := known.Create(t.Context(), owner, places.NewPlace{Name: "Chợ Bến", Kind: qrgen.KindMarket})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := known.Reissue(t.Context(), owner, old.ID, 0)
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	public, list := filepath.Join(dir, "public.json"), filepath.Join(dir, "revoked.json")
	if err := os.WriteFile(public, []byte(mustQR(t, "keys", "public", "--keys", cfg.KeyFile)), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is replaced
		b.must(newQRCmd, "revoked", "--out", list)
	}
	if printed, kept := b.must(newQRCmd, "revoked"), read(t, list); printed != kept || !strings.Contains(kept, old.ID.String()) {
		t.Errorf("it prints %s, and wrote %s", printed, kept)
	}
	now := time.Now().UTC().Format(time.RFC3339)
	for want, code := range map[string]string{"revoked": old.Code, "good": renewed.Code, "malformed": uuid.NewString()} {
		out, exit, _ := runQR(t, "verify", "--keys", public, "--revoked", list, "--at", now, code)
		if !strings.HasPrefix(out, want+"\n") || !strings.Contains(out, "\nrevocations: 20") || (exit == 0) != (want == "good") {
			t.Errorf("%s: it says %q, exit code %d", want, out, exit)
		}
	}
	forged := file(t, "forged.json", strings.Replace(read(t, list), `"serial":1`, `"serial":2`, 1))
	for _, bad := range []string{forged, list + ".missing", file(t, "empty", "")} {
		if out, exit, _ := runQR(t, "verify", "--keys", public, "--revoked", bad, renewed.Code); exit != ExitFailure || out != "" {
			t.Errorf("%s: it says %q, exit code %d", bad, out, exit)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
