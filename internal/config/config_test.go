package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truyvet/truyvet/internal/config"
)

// file writes a configuration and returns its path.
func file(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "truyvet.conf")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, env []string, overrides config.Overrides) *config.Config {
	t.Helper()
	c, err := config.Load(t.Context(), env, overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	want := &config.Config{
		Listen: "127.0.0.1:8080", BaseURL: "http://127.0.0.1:8080", DataDir: "data", Shards: 4, WalkMemory: 256, StreamLimit: 5_000_000,
		DeviceLimit: 300, AddressLimit: 6000, PlaceLimit: 100_000, ClaimSeconds: 60, TraceSource: "auto",
		KeyFile: filepath.Join("data", "keys.json"), SecretsFile: filepath.Join("data", "secrets.json"), RetentionDays: 21, ListDays: 90, OpenedDelayDays: 14,
		TimeZone: "Asia/Ho_Chi_Minh", LogLevel: "info",
	}
	got := load(t, nil, nil)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got.Cluster() || got.Retention() != 21*24*time.Hour {
		t.Errorf("cluster %v, retention %v", got.Cluster(), got.Retention())
	}
	location, err := got.Location()
	if err != nil {
		t.Fatal(err)
	}
	if _, offset := time.Unix(0, 0).In(location).Zone(); offset < 7*3600 {
		t.Errorf("%d seconds east", offset)
	}
}

func TestFlagsOutweighEnvironmentOutweighsFile(t *testing.T) {
	path := file(t,
		"# a comment", "", "TRUYVET_SHARDS=2", "  TRUYVET_RETENTION_DAYS = 5  ", "TRUYVET_DATA=from-file", "TRUYVET_LISTEN=",
		"TRUYVET_TIME_ZONE=UTC\r")
	env := []string{
		"TRUYVET_CONFIG=" + path, "TRUYVET_SHARDS=3", "TRUYVET_RETENTION_DAYS=6", "TRUYVET_DATA=", "HOME=/root", "TRUYVET_LOG_LEVEL", "=x",
	}
	c := load(t, env, config.Overrides{"TRUYVET_RETENTION_DAYS": "7", "TRUYVET_SHARDS": ""})
	if c.RetentionDays != 7 || c.Shards != 3 || c.DataDir != "from-file" || c.Listen != "127.0.0.1:8080" || c.TimeZone != "UTC" || c.LogLevel != "info" {
		t.Errorf("%+v", c)
	}
	other := file(t, "TRUYVET_SHARDS=9")
	if c := load(t, []string{"TRUYVET_CONFIG=" + path}, config.Overrides{"TRUYVET_CONFIG": other}); c.Shards != 9 || c.RetentionDays != 21 {
		t.Errorf("the flag's file is not the one that was read: %+v", c)
	}
}

func TestWhatFollowsFromOthers(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9000": "http://127.0.0.1:9000", ":9000": "http://localhost:9000", "0.0.0.0:9000": "http://localhost:9000",
		"[::]:9000": "http://localhost:9000", "[::1]:9000": "http://localhost:9000", "gate:0": "http://gate:0",
		"[::]:80": "http://localhost", "[0:0::1]:443": "http://localhost:443", "[::ffff:127.0.0.1]:9000": "http://127.0.0.1:9000",
		"[::ffff:0.0.0.0]:80": "http://localhost",
	} {
		if c := load(t, []string{"TRUYVET_LISTEN=" + listen}, nil); c.BaseURL != want {
			t.Errorf("%s is reached under %s", listen, c.BaseURL)
		}
	}
	c := load(t, []string{
		"TRUYVET_BASE_URL=https://tv.example.vn/", "TRUYVET_DATA=/var/tv", "TRUYVET_KEY_FILE=/etc/k", "TRUYVET_TRUSTED_PROXIES=10.0.0.0/8, ::1",
		"TRUYVET_REDIS_URL=redis://:pw@r:6379/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://c:9000/tv", "TRUYVET_TRACE_SOURCE=clickhouse",
		"TRUYVET_CLICKHOUSE_CLUSTER=city", "TRUYVET_MEMORY_BUDGET=100",
	}, nil)
	if c.BaseURL != "https://tv.example.vn" || c.KeyFile != "/etc/k" || c.SecretsFile != "/var/tv/secrets.json" || !c.Cluster() || c.ClickHouseCluster != "city" || c.Budget() != 100<<20 {
		t.Errorf("%+v", c)
	}
	if d := cmp.Diff([]string{"10.0.0.0/8", "::1"}, c.TrustedProxies); d != "" {
		t.Error(d)
	}
	if c.Registry() != "/var/tv/registry.db" || c.ScansDir() != "/var/tv/scans" {
		t.Errorf("%s and %s", c.Registry(), c.ScansDir())
	}
}

func TestEachFault(t *testing.T) {
	notFolder := file(t, "")
	for setting, values := range map[string][]string{
		"TRUYVET_LISTEN":          {"8080", "localhost", "localhost:http", "localhost:70000", "localhost:"},
		"TRUYVET_OPS_LISTEN":      {"9090", "localhost", "on"},
		"TRUYVET_WALK_MEMORY":     {"0", "15", "-1", "much"},
		"TRUYVET_STREAM_LIMIT":    {"0", "999", "-1", "many"},
		"TRUYVET_DEVICE_LIMIT":    {"99", "-1", "1000001", "x"},
		"TRUYVET_ADDRESS_LIMIT":   {"-1", "1000001", "x"},
		"TRUYVET_PLACE_LIMIT":     {"-1", "10000001", "x"},
		"TRUYVET_DRAIN_SECONDS":   {"-1", "301", "5s"},
		"TRUYVET_BASE_URL":        {"tv.example.vn", "ftp://x", "https://", "https://x/tv", "https://x?a=b", "https://x#a", "https://u:geheim@x", "https://x\x7f"},
		"TRUYVET_SMS_WEBHOOK":     {"gateway?key=geheim", "ftp://geheim", "https:///geheim", "http://x/%zz?key=geheim"},
		"TRUYVET_TRUSTED_PROXIES": {"proxy", "10.0.0.0/33", "10.0.0.1,x"},
		"TRUYVET_SECOND_FACTOR":   {"gate", "king", "none,city", "city,,ward"},
		"TRUYVET_CLAIM_SECONDS":   {"0", "-1", "3601", "60s"},
		"TRUYVET_MEMORY_BUDGET":   {"-1", "half"},
		"TRUYVET_SHARDS":          {"0", "1025", "-1", "four", "4.0", "99999999999999999999"},
		"TRUYVET_RETENTION_DAYS":  {"0", "367", "21d"},
		"TRUYVET_TRACE_SOURCE":    {"redis", "clickhouse"},
		"TRUYVET_TIME_ZONE":       {"Asia/Saigonn", "../etc/passwd"},
		"TRUYVET_LOG_LEVEL":       {"loud"},
		"TRUYVET_DATA":            {notFolder},
		"TRUYVET_CONFIG":          {filepath.Join(t.TempDir(), "missing")},
		"TRUYVET_REGISTRY_URL":    {"mysql://:geheim@r", "geheim", "postgres://:geheim@%zz", "postgres:geheim:x"},
		"TRUYVET_REDIS_URL":       {"redis://:geheim@r", "geheim", "redis://:geheim@%zz", "redis:geheim"},
		"TRUYVET_CLICKHOUSE_URL":  {"clickhouse://u:geheim@c", "geheim"},

		"TRUYVET_CLICKHOUSE_CLUSTER": {"city", "two words", "a'b"}, // the first wants the cluster mode
	} {
		for _, value := range values {
			c, err := config.Load(t.Context(), []string{setting + "=" + value}, nil)
			if err == nil || c != nil {
				t.Errorf("%s=%s is taken", setting, value)
				continue
			}
			if text := err.Error(); setting != "TRUYVET_CONFIG" && !strings.Contains(text, setting) || strings.Contains(text, "geheim") {
				t.Errorf("%s=%s: %v", setting, value, err)
			}
		}
	}
}

// TestAllFaultsAtOnce has a fault of each kind: in the file, in a number's form, and in values.
func TestAllFaultsAtOnce(t *testing.T) {
	path := file(t, "what?", "TRUYVET_RETENTION_DAY=5", "TRUYVET_SHARDS=1", "TRUYVET_SHARDS=2", "TRUYVET_CONFIG=x", "PATH=/bin", "TRUYVET_TIME_ZONE=Mars")
	_, err := config.Load(t.Context(), []string{
		"TRUYVET_CONFIG=" + path, "TRUYVET_RETENTION_DAYS=x", "TRUYVET_SHARDS=y", "TRUYVET_LISTEN=z", "TRUYVET_REDIS_URL=redis://r",
		"TRUYVET_LOG_LEVEL=loud",
	}, nil)
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		path + ":1: not a line", path + ":2: TRUYVET_RETENTION_DAY is not a setting", path + ":4: TRUYVET_SHARDS stands in the file twice",
		path + ":5: TRUYVET_CONFIG is not a setting", path + ":6: not a line", `TRUYVET_RETENTION_DAYS: "x"`, `TRUYVET_SHARDS: "y"`,
		`TRUYVET_LISTEN: "z"`, "go together", "TRUYVET_TIME_ZONE", "TRUYVET_LOG_LEVEL",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 11 {
		t.Errorf("%d faults:\n%v", n, err)
	}
}

func TestFileThatIsNoText(t *testing.T) {
	for name, line := range map[string]string{
		"a secret without a name": "geheim", "a long line": "TRUYVET_REDIS_URL=" + strings.Repeat("geheim", 20_000), "bytes": "\x00\xffgeheim",
	} {
		if _, err := config.Load(t.Context(), []string{"TRUYVET_CONFIG=" + file(t, line)}, nil); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhereOperatorsAreAnswered(t *testing.T) {
	for _, c := range []struct{ listen, ops, serve, worker string }{
		{"127.0.0.1:8080", "", "127.0.0.1:8081", "127.0.0.1:8082"},
		{"0.0.0.0:80", "", "127.0.0.1:81", "127.0.0.1:82"}, // never on every address by itself
		{"[::1]:0", "", "127.0.0.1:0", "127.0.0.1:0"},
		{":65534", "", "127.0.0.1:65535", "127.0.0.1:0"},
		{":8080", "0.0.0.0:9100", "0.0.0.0:9100", "0.0.0.0:9100"},
		{":8080", "off", "", ""},
	} {
		config := load(t, []string{"TRUYVET_LISTEN=" + c.listen, "TRUYVET_OPS_LISTEN=" + c.ops}, nil)
		serve, chosen := config.OpsAddress("serve")
		worker, _ := config.OpsAddress("worker")
		if serve != c.serve || worker != c.worker || chosen != (c.ops != "") {
			t.Errorf("with %s and %q: %q and %q, chosen %v", c.listen, c.ops, serve, worker, chosen)
		}
	}
}

// TestWhoNeedsASecondFactor: whoever reaches personal details, unless an operator says otherwise, who is then told; and in a
// demonstration nobody.
func TestWhoNeedsASecondFactor(t *testing.T) {
	all := []string{"ward", "district", "city", "admin"}
	for _, test := range []struct {
		setting       string
		demo          bool
		need, missing []string
	}{
		{setting: "", need: all},
		{setting: "none", missing: all},
		{setting: "city,auditor", need: []string{"city", "auditor"}, missing: []string{"ward", "district", "admin"}},
		{setting: "ward,district,city,admin,owner", need: []string{"ward", "district", "city", "admin", "owner"}},
		{setting: "", demo: true},
		{setting: "city", demo: true, need: []string{"city"}},
	} {
		c, err := config.Load(t.Context(), []string{"TRUYVET_SECOND_FACTOR=" + test.setting}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Demo = test.demo
		if need, missing := c.FactorRoles(), c.FactorRolesMissing(); !slices.Equal(need, test.need) || !slices.Equal(missing, test.missing) {
			t.Errorf("%q, demonstration %v: needed by %v, missing of %v", test.setting, test.demo, need, missing)
		}
	}
}

func TestHTTPS(t *testing.T) {
	const files, authority = "TRUYVET_TLS_CERT=c TRUYVET_TLS_KEY=k", "TRUYVET_ACME_DOMAIN=c.example.vn"
	for settings, base := range map[string]string{
		"": "http://127.0.0.1:8080", files: "https://127.0.0.1:8080", files + " TRUYVET_LISTEN=:443 TRUYVET_HTTP_LISTEN=:80": "https://localhost",
		files + " TRUYVET_LISTEN=[::1]:443": "https://localhost", files + " TRUYVET_LISTEN=[::]:8443": "https://localhost:8443",
		authority + " TRUYVET_LISTEN=:443": "https://c.example.vn", authority + " TRUYVET_LISTEN=[2001:db8::1]:443": "https://c.example.vn", authority + ",d.example.vn TRUYVET_BASE_URL=https://d.example.vn": "https://d.example.vn",
	} {
		c := load(t, strings.Fields(settings), nil)
		if c.BaseURL != base || c.HTTPS() != strings.HasPrefix(base, "https:") || !strings.Contains(base, c.Host()) {
			t.Errorf("%q: %s, %s, HTTPS %v", settings, c.BaseURL, c.Host(), c.HTTPS())
		}
	}
	for settings, fault := range map[string]string{
		"TRUYVET_LISTEN=[2001:db8::1]:80": "TRUYVET_BASE_URL", files + " TRUYVET_LISTEN=[2001:db8::1]:443": "TRUYVET_BASE_URL",
		"TRUYVET_TLS_CERT=c": "go together", "TRUYVET_TLS_KEY=k": "go together", files + " " + authority: "set either",
		files + " TRUYVET_BASE_URL=http://c.example.vn": "begins with https://", authority + " TRUYVET_BASE_URL=https://d.example.vn": "TRUYVET_BASE_URL: its name",
		"TRUYVET_ACME_DOMAIN=localhost": "TRUYVET_ACME_DOMAIN", "TRUYVET_ACME_DOMAIN=10.0.0.1": "TRUYVET_ACME_DOMAIN", "TRUYVET_ACME_DOMAIN=*.example.vn": "TRUYVET_ACME_DOMAIN",
		"TRUYVET_ACME_EMAIL=a@example.vn": "go with TRUYVET_ACME_DOMAIN", "TRUYVET_ACME_DIRECTORY=https://a": "go with TRUYVET_ACME_DOMAIN",
		authority + " TRUYVET_ACME_DIRECTORY=http://a": "TRUYVET_ACME_DIRECTORY", "TRUYVET_HTTP_LISTEN=:80": "TRUYVET_HTTP_LISTEN: goes with",
		files + " TRUYVET_HTTP_LISTEN=80": "TRUYVET_HTTP_LISTEN",
	} {
		if _, err := config.Load(t.Context(), strings.Fields(settings), nil); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v", settings, err)
		}
	}
}
