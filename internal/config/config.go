// Package config is what an operator may set, from a file, the environment and flags, in this order of growing weight.
package config

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"
)

// Config holds every setting. The zero value is not usable; Load gives one that is.
//
// Which mode runs follows from the URLs: with RedisURL and ClickHouseURL set it is the cluster mode, with neither it is
// standalone.
type Config struct {
	Listen  string `env:"TRUYVET_LISTEN, default=127.0.0.1:8080"`
	BaseURL string `env:"TRUYVET_BASE_URL"` // what codes and pages are reached under; default http://LISTEN
	DataDir string `env:"TRUYVET_DATA, default=data"`

	RedisURL      string `env:"TRUYVET_REDIS_URL"`      // redis://HOST:PORT/DB
	ClickHouseURL string `env:"TRUYVET_CLICKHOUSE_URL"` // clickhouse://HOST:PORT/DATABASE
	Shards        int    `env:"TRUYVET_SHARDS, default=4"`
	WorkerName    string `env:"TRUYVET_WORKER_NAME"`                  // tells the workers of one machine apart; default the machine's name
	TraceSource   string `env:"TRUYVET_TRACE_SOURCE, default=memory"` // memory, or clickhouse in the cluster mode

	KeyFile     string `env:"TRUYVET_KEY_FILE"`    // signing keys of codes; default DATA/keys.json
	SecretsFile string `env:"TRUYVET_SECRET_FILE"` // pseudonym, credential and audit keys; default DATA/secrets.json

	SMSWebhook string `env:"TRUYVET_SMS_WEBHOOK"` // where one-time codes are posted to be sent

	RetentionDays int    `env:"TRUYVET_RETENTION_DAYS, default=21"`
	TimeZone      string `env:"TRUYVET_TIME_ZONE, default=Asia/Ho_Chi_Minh"`

	TrustedProxies []string `env:"TRUYVET_TRUSTED_PROXIES"` // addresses or networks, comma-separated; none by default
	LogLevel       string   `env:"TRUYVET_LOG_LEVEL, default=info"`

	// Demo shows that all data is made up and shows one-time codes on the page. Only the demo command sets it.
	Demo bool
}

// Overrides are settings given as flags; empty ones say nothing.
type Overrides map[string]string

// Load reads the settings: first the file of KEY=VALUE lines that TRUYVET_CONFIG or the override of that name gives, then
// env, then the overrides (by the same names). It reports all faults at once.
func Load(ctx context.Context, env []string, overrides Overrides) (*Config, error) {
	values := map[string]string{}
	merge(values, env)
	for name, value := range overrides {
		if value != "" {
			values[name] = value
		}
	}
	if path := values["TRUYVET_CONFIG"]; path != "" {
		fromFile, err := readFile(path)
		if err != nil {
			return nil, err
		}
		for name, value := range fromFile {
			if _, set := values[name]; !set {
				values[name] = value
			}
		}
	}
	var c Config
	lookuper := envconfig.MapLookuper(values)
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &c, Lookuper: lookuper}); err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	if c.BaseURL == "" {
		c.BaseURL = "http://" + c.Listen
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.DataDir, "keys.json")
	}
	if c.SecretsFile == "" {
		c.SecretsFile = filepath.Join(c.DataDir, "secrets.json")
	}
	return &c, c.check()
}

func merge(values map[string]string, env []string) {
	for _, pair := range env {
		name, value, ok := strings.Cut(pair, "=")
		if ok && value != "" && strings.HasPrefix(name, "TRUYVET_") {
			values[name] = value
		}
	}
}

// readFile reads KEY=VALUE lines; empty lines and lines from # are passed over.
func readFile(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the configuration: %w", err)
	}
	defer f.Close()
	values := map[string]string{}
	var faults []error
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !ok || !strings.HasPrefix(name, "TRUYVET_") {
			faults = append(faults, fmt.Errorf("%s:%d: not a line of the form TRUYVET_NAME=value", path, n))
			continue
		}
		values[name] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("reading %s: %w", path, err))
	}
	return values, errors.Join(faults...)
}

// Cluster says whether scans go to Redis and ClickHouse.
func (c *Config) Cluster() bool { return c.RedisURL != "" }

// Retention is how long scans are kept.
func (c *Config) Retention() time.Duration { return time.Duration(c.RetentionDays) * 24 * time.Hour }

// Location is the zone of the dates that people type.
func (c *Config) Location() (*time.Location, error) {
	loc, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_TIME_ZONE: %w", err)
	}
	return loc, nil
}

// RegistryPath is where the registry is kept.
func (c *Config) RegistryPath() string { return filepath.Join(c.DataDir, "registry.db") }

// ScansDir is where the standalone mode keeps its scans, a file per day.
func (c *Config) ScansDir() string { return filepath.Join(c.DataDir, "scans") }

// check reports every fault of the settings.
func (c *Config) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fault("TRUYVET_LISTEN: %q is not HOST:PORT", c.Listen)
	}
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		fault("TRUYVET_BASE_URL: %q is not http(s)://HOST with nothing behind the host", c.BaseURL)
	}
	if (c.RedisURL == "") != (c.ClickHouseURL == "") {
		fault("TRUYVET_REDIS_URL and TRUYVET_CLICKHOUSE_URL go together: set both for the cluster mode or neither for standalone")
	}
	if c.Shards < 1 || c.Shards > 1024 {
		fault("TRUYVET_SHARDS: %d is not between 1 and 1024", c.Shards)
	}
	if u, err := url.Parse(c.SMSWebhook); c.SMSWebhook != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		fault("TRUYVET_SMS_WEBHOOK: not an http(s) URL") // it may hold a secret, so it is not shown
	}
	switch c.TraceSource {
	case "memory":
	case "clickhouse":
		if !c.Cluster() {
			fault("TRUYVET_TRACE_SOURCE: clickhouse needs the cluster mode")
		}
	default:
		fault("TRUYVET_TRACE_SOURCE: %q is neither memory nor clickhouse", c.TraceSource)
	}
	if c.RetentionDays < 1 || c.RetentionDays > 366 {
		fault("TRUYVET_RETENTION_DAYS: %d is not between 1 and 366", c.RetentionDays)
	}
	if _, err := c.Location(); err != nil {
		faults = append(faults, err)
	}
	if info, err := os.Stat(c.DataDir); err == nil && !info.IsDir() {
		fault("TRUYVET_DATA: %s is not a folder", c.DataDir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fault("TRUYVET_DATA: %w", err)
	}
	return errors.Join(faults...)
}
