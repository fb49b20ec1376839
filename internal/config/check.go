package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/truyvet/truyvet/qrgen"
)

// check reports every fault of the settings. It shows the value where the operator can see from it what is wrong, but never
// one that may hold a password or a key.
func (c *Config) check() error {
	return errors.Join(c.checkAddresses(), c.checkHTTPS(), c.checkCluster(), c.checkNumbers(), c.checkData())
}

func (c *Config) checkAddresses() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !isListen(c.Listen) {
		fault("TRUYVET_LISTEN: %q is not HOST:PORT", c.Listen)
	}
	if c.OpsListen != "" && c.OpsListen != opsOff && !isListen(c.OpsListen) {
		fault("TRUYVET_OPS_LISTEN: %q is neither HOST:PORT nor off", c.OpsListen)
	}
	if err := qrgen.CheckBase(c.BaseURL); err != nil {
		fault("TRUYVET_BASE_URL: %w", err)
	}
	if u, err := url.Parse(c.SMSWebhook); c.SMSWebhook != "" && (err != nil || !isHTTP(u)) {
		fault("TRUYVET_SMS_WEBHOOK: not an http(s) URL")
	}
	for _, role := range c.SecondFactor {
		switch {
		case role == noFactor && len(c.SecondFactor) > 1:
			fault("TRUYVET_SECOND_FACTOR: none stands alone")
		case !slices.Contains([]string{noFactor, "owner", "ward", "district", "city", "admin", "auditor"}, role):
			fault("TRUYVET_SECOND_FACTOR: %q is no role that has one: owner, ward, district, city, admin or auditor; or none", role)
		}
	}
	for _, proxy := range c.TrustedProxies {
		_, errAddress := netip.ParseAddr(proxy)
		_, errNetwork := netip.ParsePrefix(proxy)
		if errAddress != nil && errNetwork != nil {
			fault("TRUYVET_TRUSTED_PROXIES: %q is neither an address nor a network like 10.0.0.0/8", proxy)
		}
	}
	return errors.Join(faults...)
}

// checkHTTPS judges what a server that speaks HTTPS itself is told, and what only such a one may be.
func (c *Config) checkHTTPS() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if (c.TLSCert == "") != (c.TLSKey == "") {
		fault("TRUYVET_TLS_CERT and TRUYVET_TLS_KEY go together")
	}
	authority := len(c.ACMEDomains) > 0
	if authority && (c.TLSCert != "" || c.TLSKey != "") {
		fault("TRUYVET_ACME_DOMAIN: set either this or TRUYVET_TLS_CERT and TRUYVET_TLS_KEY")
	}
	for _, domain := range c.ACMEDomains {
		if !isDomain.MatchString(domain) {
			fault("TRUYVET_ACME_DOMAIN: %q is no name like c.example.vn in small letters", domain)
		}
	}
	if !authority && (c.ACMEEmail != "" || c.ACMEDirectory != "" || c.ACMERoots != "") {
		fault("TRUYVET_ACME_EMAIL, TRUYVET_ACME_DIRECTORY and TRUYVET_ACME_ROOTS go with TRUYVET_ACME_DOMAIN")
	}
	if u, err := url.Parse(c.ACMEDirectory); c.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		fault("TRUYVET_ACME_DIRECTORY: not an https URL")
	}
	switch base, err := url.Parse(c.BaseURL); {
	case !c.HTTPS():
	case err != nil || base.Scheme != "https":
		fault("TRUYVET_BASE_URL: begins with https:// where the server has a certificate")
	case authority && !slices.Contains(c.ACMEDomains, base.Hostname()):
		fault("TRUYVET_BASE_URL: its name is none of TRUYVET_ACME_DOMAIN")
	}
	switch {
	case c.HTTPListen == "":
	case !c.HTTPS():
		fault("TRUYVET_HTTP_LISTEN: goes with TRUYVET_TLS_CERT or TRUYVET_ACME_DOMAIN; without them TRUYVET_LISTEN answers plain HTTP")
	case !isListen(c.HTTPListen):
		fault("TRUYVET_HTTP_LISTEN: %q is not HOST:PORT", c.HTTPListen)
	}
	return errors.Join(faults...)
}

// isDomain matches a name of at least two parts (RFC 1035, 2.3.1) as authorities take it.
var isDomain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// isListen says whether text is a host, which may be empty, and the number of a port, which may be 0.
func isListen(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func isHTTP(u *url.URL) bool { return u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") }

// isPlainName matches a name that servers take unquoted, or none.
var isPlainName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)?$`)

func (c *Config) checkCluster() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, server := range []struct{ name, address string }{
		{"TRUYVET_REDIS_URL", c.RedisURL}, {"TRUYVET_CLICKHOUSE_URL", c.ClickHouseURL},
	} {
		if u, err := url.Parse(server.address); server.address != "" && (err != nil || u.Scheme == "" || u.Host == "") {
			fault("%s: not a URL with a scheme and a host", server.name)
		}
	}
	if u, err := url.Parse(c.RegistryURL); c.RegistryURL != "" && (err != nil || u.Opaque != "" || u.Scheme != "postgres" && u.Scheme != "postgresql") {
		fault("TRUYVET_REGISTRY_URL: not a URL of the form postgres://USER@HOST:PORT/DATABASE")
	}
	if (c.RedisURL == "") != (c.ClickHouseURL == "") {
		fault("TRUYVET_REDIS_URL and TRUYVET_CLICKHOUSE_URL go together: set both for the cluster mode or neither for standalone")
	}
	if !isPlainName.MatchString(c.ClickHouseCluster) {
		fault("TRUYVET_CLICKHOUSE_CLUSTER: %q holds other than letters, digits and underscores", c.ClickHouseCluster)
	}
	if c.ClickHouseCluster != "" && !c.Cluster() {
		fault("TRUYVET_CLICKHOUSE_CLUSTER: needs the cluster mode")
	}
	switch c.TraceSource {
	case "auto", "memory":
	case "clickhouse":
		if !c.Cluster() {
			fault("TRUYVET_TRACE_SOURCE: clickhouse needs the cluster mode")
		}
	default:
		fault("TRUYVET_TRACE_SOURCE: %q is none of auto, memory, clickhouse", c.TraceSource)
	}
	return errors.Join(faults...)
}

func (c *Config) checkNumbers() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Shards < 1 || c.Shards > 1024 {
		fault("TRUYVET_SHARDS: %d is not between 1 and 1024", c.Shards)
	}
	if c.RetentionDays < 1 || c.RetentionDays > 366 {
		fault("TRUYVET_RETENTION_DAYS: %d is not between 1 and 366", c.RetentionDays)
	}
	if c.ListDays < 1 || c.ListDays > 3660 {
		fault("TRUYVET_LIST_DAYS: %d is not between 1 and 3660", c.ListDays)
	}
	if c.OpenedDelayDays < 0 || c.OpenedDelayDays > 366 {
		fault("TRUYVET_OPENED_DELAY_DAYS: %d is not between 0 and 366", c.OpenedDelayDays)
	}
	if c.WalkMemory < 16 || c.WalkMemory > 1<<20 {
		fault("TRUYVET_WALK_MEMORY: %d is not between 16 and 1048576", c.WalkMemory)
	}
	if c.StreamLimit < 1000 {
		fault("TRUYVET_STREAM_LIMIT: %d is less than 1000", c.StreamLimit)
	}
	if c.ClaimSeconds < 1 || c.ClaimSeconds > 3600 {
		fault("TRUYVET_CLAIM_SECONDS: %d is not between 1 and 3600", c.ClaimSeconds)
	}
	if c.DrainSeconds < 0 || c.DrainSeconds > 300 {
		fault("TRUYVET_DRAIN_SECONDS: %d is not between 0 and 300", c.DrainSeconds)
	}
	if c.DeviceLimit != 0 && (c.DeviceLimit < 100 || c.DeviceLimit > 1_000_000) {
		fault("TRUYVET_DEVICE_LIMIT: %d is neither 0 nor between 100 and 1000000", c.DeviceLimit)
	}
	if c.AddressLimit < 0 || c.AddressLimit > 1_000_000 {
		fault("TRUYVET_ADDRESS_LIMIT: %d is not between 0 and 1000000", c.AddressLimit)
	}
	if c.PlaceLimit < 0 || c.PlaceLimit > 10_000_000 {
		fault("TRUYVET_PLACE_LIMIT: %d is not between 0 and 10000000", c.PlaceLimit)
	}
	if c.MemoryBudget < 0 {
		fault("TRUYVET_MEMORY_BUDGET: %d is less than 1 MiB", c.MemoryBudget)
	}
	if _, err := c.Location(); err != nil {
		faults = append(faults, err)
	}
	if err := new(slog.Level).UnmarshalText([]byte(c.LogLevel)); err != nil {
		fault("TRUYVET_LOG_LEVEL: %q is none of debug, info, warn, error", c.LogLevel)
	}
	return errors.Join(faults...)
}

func (c *Config) checkData() error {
	info, err := os.Stat(c.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // init makes it
	case err != nil:
		return fmt.Errorf("TRUYVET_DATA: %w", err)
	case !info.IsDir():
		return fmt.Errorf("TRUYVET_DATA: %s is not a folder", c.DataDir)
	}
	return nil
}
