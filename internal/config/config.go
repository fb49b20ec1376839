// Package config is what an operator may set, from a file, the environment and flags, in this order of growing weight. No
// error of it holds a value that may be, or hold, a secret.
package config

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
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
	BaseURL string `env:"TRUYVET_BASE_URL"` // what codes and pages are reached under, without a slash at its end; default http://LISTEN, or localhost for every address
	DataDir string `env:"TRUYVET_DATA, default=data"`

	// The certificate of a server that speaks HTTPS itself, from files or from an authority (ACME).
	TLSCert       string   `env:"TRUYVET_TLS_CERT"`
	TLSKey        string   `env:"TRUYVET_TLS_KEY"`
	ACMEDomains   []string `env:"TRUYVET_ACME_DOMAIN"`
	ACMEEmail     string   `env:"TRUYVET_ACME_EMAIL"`
	ACMEDirectory string   `env:"TRUYVET_ACME_DIRECTORY"` // empty for that of the library
	ACMERoots     string   `env:"TRUYVET_ACME_ROOTS"`     // file of the certificates that the authority itself is believed by; empty for the system's
	HTTPListen    string   `env:"TRUYVET_HTTP_LISTEN"`    // where those who come over plain HTTP are led to HTTPS; empty for nowhere

	// OpsListen is where metrics and health are answered for operators: HOST:PORT, off, or empty for the default of the
	// process, see OpsAddress.
	OpsListen    string `env:"TRUYVET_OPS_LISTEN"`
	DrainSeconds int    `env:"TRUYVET_DRAIN_SECONDS, default=0"` // for which a server that was told to stop goes on, not ready

	DeviceLimit  int `env:"TRUYVET_DEVICE_LIMIT, default=300"`   // scans a minute of one credential; 0 = no limit
	AddressLimit int `env:"TRUYVET_ADDRESS_LIMIT, default=6000"` // sendings a minute of one address; 0 = no limit

	PlaceLimit int `env:"TRUYVET_PLACE_LIMIT, default=100000"` // places of an organisation; 0 = no limit

	RegistryURL   string `env:"TRUYVET_REGISTRY_URL"`   // postgres://USER:PASSWORD@HOST:PORT/DATABASE; default DATA/registry.db
	RedisURL      string `env:"TRUYVET_REDIS_URL"`      // redis://HOST:PORT/DB
	ClickHouseURL string `env:"TRUYVET_CLICKHOUSE_URL"` // clickhouse://HOST:PORT/DATABASE
	// ClickHouseCluster names a cluster among the servers' remote_servers, over all shards of which the scans lie; empty for one
	// server.
	ClickHouseCluster string `env:"TRUYVET_CLICKHOUSE_CLUSTER"`

	Shards      int    `env:"TRUYVET_SHARDS, default=4"`
	StreamLimit int    `env:"TRUYVET_STREAM_LIMIT, default=5000000"` // scans that one Redis stream may have
	WorkerName  string `env:"TRUYVET_WORKER_NAME"`                   // tells the workers of one machine apart; default the machine's name
	// ClaimSeconds is after what silence a worker is taken for dead and others take over what it had not finished.
	ClaimSeconds int    `env:"TRUYVET_CLAIM_SECONDS, default=60"`
	TraceSource  string `env:"TRUYVET_TRACE_SOURCE, default=auto"` // auto, memory, or clickhouse in the cluster mode

	// MemoryBudget is how many MiB the scans and their index may take in memory; 0 for half of what the machine has.
	MemoryBudget int `env:"TRUYVET_MEMORY_BUDGET"`
	WalkMemory   int `env:"TRUYVET_WALK_MEMORY, default=256"` // MiB in which a walk over ClickHouse tells sources apart

	KeyFile     string `env:"TRUYVET_KEY_FILE"`    // signing keys of codes; default DATA/keys.json
	SecretsFile string `env:"TRUYVET_SECRET_FILE"` // pseudonym, credential, audit, page and vault keys; default DATA/secrets.json
	SecretsText Hidden `env:"TRUYVET_SECRETS"`     // what that file holds, where it comes from the environment

	// SecondFactor is what the operator says of the roles that do nothing without a second factor: their names, or none alone;
	// see FactorRoles.
	SecondFactor []string `env:"TRUYVET_SECOND_FACTOR"`

	SMSWebhook string `env:"TRUYVET_SMS_WEBHOOK"` // where one-time codes are posted to be sent

	RetentionDays int `env:"TRUYVET_RETENTION_DAYS, default=21"` // for which scans are kept
	ListDays      int `env:"TRUYVET_LIST_DAYS, default=90"`      // for which the lists of trace runs are kept
	// OpenedDelayDays is after how many days people are told that their details were opened.
	OpenedDelayDays int    `env:"TRUYVET_OPENED_DELAY_DAYS, default=14"`
	AuditHeads      string `env:"TRUYVET_AUDIT_HEADS"` // folder that heads of the audit log are written into beside DATA/audit-heads
	TimeZone        string `env:"TRUYVET_TIME_ZONE, default=Asia/Ho_Chi_Minh"`
	FormsDir        string `env:"TRUYVET_FORMS"` // folder of the operator's own forms of declarations

	TrustedProxies []string `env:"TRUYVET_TRUSTED_PROXIES"` // addresses or networks, comma-separated; none by default
	LogLevel       string   `env:"TRUYVET_LOG_LEVEL, default=info"`

	// Demo shows that all data is made up and shows one-time codes on the page. Only the demo command sets it.
	Demo bool
}

// Overrides are settings given as flags; empty ones say nothing.
type Overrides map[string]string

// Load reads the settings: first the file of KEY=VALUE lines that TRUYVET_CONFIG or the override of that name gives, then
// env, then the overrides (by the same names). An empty value says nothing. It reports all faults at once, joined; the Config
// is then nil.
func Load(ctx context.Context, env []string, overrides Overrides) (*Config, error) {
	values := map[string]string{}
	for _, pair := range env {
		name, value, ok := strings.Cut(pair, "=")
		if ok && value != "" && strings.HasPrefix(name, prefix) {
			values[name] = value
		}
	}
	for name, value := range overrides {
		if value != "" {
			values[name] = value
		}
	}
	var faults []error
	if path := values["TRUYVET_CONFIG"]; path != "" {
		fromFile, err := readFile(path)
		faults = append(faults, err)
		for name, value := range fromFile {
			if _, set := values[name]; !set && value != "" {
				values[name] = value
			}
		}
	}
	faults = append(faults, dropNonNumbers(values, "TRUYVET_SHARDS", "TRUYVET_RETENTION_DAYS", "TRUYVET_STREAM_LIMIT",
		"TRUYVET_MEMORY_BUDGET", "TRUYVET_WALK_MEMORY", "TRUYVET_CLAIM_SECONDS", "TRUYVET_DRAIN_SECONDS",
		"TRUYVET_DEVICE_LIMIT", "TRUYVET_ADDRESS_LIMIT", "TRUYVET_PLACE_LIMIT", "TRUYVET_LIST_DAYS", "TRUYVET_OPENED_DELAY_DAYS"))
	var c Config
	lookuper := envconfig.MapLookuper(values)
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &c, Lookuper: lookuper}); err != nil {
		return nil, errors.Join(append(faults, fmt.Errorf("reading the settings: %w", err))...)
	}
	c.fillIn()
	if err := errors.Join(append(faults, c.check())...); err != nil {
		return nil, err
	}
	return &c, nil
}

// fillIn gives the settings that follow from others their values.
func (c *Config) fillIn() {
	if c.BaseURL == "" {
		c.BaseURL = c.likelyBase()
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.DataDir, "keys.json")
	}
	if c.SecretsFile == "" {
		c.SecretsFile = filepath.Join(c.DataDir, "secrets.json")
	}
}

// HTTPS says whether the server speaks HTTPS itself.
func (c *Config) HTTPS() bool { return c.TLSCert != "" || c.TLSKey != "" || len(c.ACMEDomains) > 0 }

// Host is the name or address that people reach the server under.
func (c *Config) Host() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return "" // check has refused it
	}
	return u.Hostname()
}

// ACMEFolder is where what an authority gave is kept.
func (c *Config) ACMEFolder() string { return filepath.Join(c.DataDir, "acme") }

// likelyBase returns what the server is most likely reached under where nobody says so. Where it listens on an IPv6 address of a
// network, no code can hold that, and the base URL must be set.
func (c *Config) likelyBase() string {
	scheme, usual := "http", "80"
	if c.HTTPS() {
		scheme, usual = "https", "443"
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return scheme + "://" + c.Listen // check refuses it
	}
	if host = reachable(host); len(c.ACMEDomains) > 0 {
		host = c.ACMEDomains[0]
	}
	at := net.JoinHostPort(host, port)
	if port == usual {
		at = strings.TrimSuffix(at, ":"+port)
	}
	return scheme + "://" + at
}

// reachable returns what a server that listens on a host is reached under from the same machine. Where it listens on every
// address, that is localhost; and so it is on the machine's own IPv6 address, which no code can hold. An IPv4 address that is
// written as one of IPv6 is written as itself.
func reachable(host string) string {
	ip, err := netip.ParseAddr(host)
	switch ip = ip.Unmap(); {
	case host == "", err == nil && (ip.IsUnspecified() || ip == netip.IPv6Loopback()):
		return "localhost"
	case err == nil:
		return ip.String()
	}
	return host
}

// prefix begins the name of every setting.
const prefix = "TRUYVET_"

// settingNames returns the names that a file may set.
func settingNames() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("env"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// readFile reads KEY=VALUE lines; empty lines and lines from # are passed over. A name that is no setting is a fault: it is
// most likely one that was spelt wrongly. What it could read it returns beside the faults.
func readFile(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the configuration: %w", err)
	}
	defer f.Close()
	known := settingNames()
	values := map[string]string{}
	var faults []error
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		_, repeated := values[name]
		switch {
		case !ok || !strings.HasPrefix(name, prefix):
			faults = append(faults, fmt.Errorf("%s:%d: not a line of the form TRUYVET_NAME=value", path, n))
		case !slices.Contains(known, name):
			faults = append(faults, fmt.Errorf("%s:%d: %s is not a setting", path, n, name))
		case repeated:
			faults = append(faults, fmt.Errorf("%s:%d: %s stands in the file twice", path, n, name))
		default:
			values[name] = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("reading %s: %w", path, err))
	}
	return values, errors.Join(faults...)
}

// dropNonNumbers takes out of values what should be a whole number and is not, and says so. Decoding stops at its first
// fault, so there must be none left for it.
func dropNonNumbers(values map[string]string, names ...string) error {
	var faults []error
	for _, name := range names {
		value, set := values[name]
		if _, err := strconv.Atoi(value); set && err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is not a whole number", name, value))
			delete(values, name)
		}
	}
	return errors.Join(faults...)
}

// Hidden is a setting that is printed nowhere.
type Hidden string

// String keeps it out of every text.
func (Hidden) String() string { return "hidden" }

// GoString is String, for %#v.
func (Hidden) GoString() string { return "hidden" }

// Secrets returns the keys that are in no database: those of the environment where it has them, else those of the file.
func (c *Config) Secrets() (Secrets, error) {
	if c.SecretsText != "" {
		return ParseSecrets([]byte(c.SecretsText), "TRUYVET_SECRETS")
	}
	return ReadSecrets(c.SecretsFile)
}

// noFactor is the value of TRUYVET_SECOND_FACTOR with which no role needs one.
const noFactor = "none"

// guardedRoles are the roles that need a second factor unless the operator says otherwise: those that open personal details, and
// those that make accounts which do.
func guardedRoles() []string { return []string{"ward", "district", "city", "admin"} }

// FactorRoles returns the roles that do nothing without a second factor. In a demonstration there are none unless they are named.
func (c *Config) FactorRoles() []string {
	switch {
	case len(c.SecondFactor) == 0 && !c.Demo:
		return guardedRoles()
	case slices.Contains(c.SecondFactor, noFactor):
		return nil
	}
	return c.SecondFactor
}

// FactorRolesMissing returns the roles that ought to need a second factor and do not; none for a demonstration.
func (c *Config) FactorRolesMissing() []string {
	if c.Demo {
		return nil
	}
	return slices.DeleteFunc(guardedRoles(), func(role string) bool { return slices.Contains(c.FactorRoles(), role) })
}

// Cluster says whether scans go to Redis and ClickHouse.
func (c *Config) Cluster() bool { return c.RedisURL != "" }

// Retention is how long scans are kept.
func (c *Config) Retention() time.Duration { return time.Duration(c.RetentionDays) * 24 * time.Hour }

// ListAge is how long the lists of trace runs are kept.
func (c *Config) ListAge() time.Duration { return time.Duration(c.ListDays) * 24 * time.Hour }

// OpenedDelay is after what time people are told that their details were opened.
func (c *Config) OpenedDelay() time.Duration {
	return time.Duration(c.OpenedDelayDays) * 24 * time.Hour
}

// HeadDirs are the folders that heads of the audit log are kept in.
func (c *Config) HeadDirs() []string {
	dirs := []string{filepath.Join(c.DataDir, "audit-heads")}
	if c.AuditHeads != "" {
		dirs = append(dirs, c.AuditHeads)
	}
	return dirs
}

// Location is the zone of the dates that people type.
func (c *Config) Location() (*time.Location, error) {
	loc, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_TIME_ZONE: %w", err)
	}
	return loc, nil
}

// The processes that answer operators.
const (
	ServeProcess  = "serve"
	WorkerProcess = "worker"
)

// OpsAddress returns where a process answers operators, empty where it does not, and whether the operator chose that. By
// default it is the loopback address with the port after that of TRUYVET_LISTEN for serve, and the one after that for worker.
func (c *Config) OpsAddress(process string) (address string, chosen bool) {
	switch c.OpsListen {
	case "":
	case opsOff:
		return "", true
	default:
		return c.OpsListen, true
	}
	_, text, _ := net.SplitHostPort(c.Listen)
	port, _ := strconv.Atoi(text) // check has seen that it is one
	offset := map[string]int{ServeProcess: 1, WorkerProcess: 2}[process]
	if port == 0 || port+offset > math.MaxUint16 {
		offset, port = 0, 0 // any that is free
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port+offset)), false
}

// opsOff is the value of TRUYVET_OPS_LISTEN with which nothing is answered.
const opsOff = "off"

// Registry is where the registry is kept: the address of a PostgreSQL database, which may hold a password, or the path of an
// SQLite file.
func (c *Config) Registry() string {
	return cmp.Or(c.RegistryURL, filepath.Join(c.DataDir, "registry.db"))
}

// ScansDir is where the standalone mode keeps its scans, a file per day.
func (c *Config) ScansDir() string { return filepath.Join(c.DataDir, "scans") }

// IndexDir is where the scans that are in memory are kept for the next start.
func (c *Config) IndexDir() string { return filepath.Join(c.DataDir, "index") }

// Budget is how many bytes of memory the scans and their index may take.
func (c *Config) Budget() int64 {
	if c.MemoryBudget > 0 {
		return int64(c.MemoryBudget) << 20
	}
	return MachineMemory() / 2
}
