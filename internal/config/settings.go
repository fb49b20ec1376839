package config

// Setting is a setting as an operator meets it.
type Setting struct {
	Name string // of the environment variable
	Flag string // empty where it has none
	Use  string // what it is, and its default
}

// Settings returns all settings, in the order in which they are explained.
func Settings() []Setting {
	return []Setting{
		{"TRUYVET_CONFIG", "config", "file of NAME=value lines"},
		{"TRUYVET_DATA", "data", "data folder (default data)"},
		{"TRUYVET_LISTEN", "listen", "address to answer on (default 127.0.0.1:8080)"},
		{"TRUYVET_BASE_URL", "base-url", "URL under which people reach this server (default http://LISTEN)"},
		{"TRUYVET_TLS_CERT", "tls-cert", "file of the certificate to speak HTTPS with, and those between it and its authority; followed when it changes"},
		{"TRUYVET_TLS_KEY", "tls-key", "file of its key"},
		{"TRUYVET_ACME_DOMAIN", "acme-domain", "names to speak HTTPS under, comma-separated, with certificates that an authority gives and renews (ACME); you agree to its terms"},
		{"TRUYVET_ACME_EMAIL", "acme-email", "address that the authority writes to when something is wrong"},
		{"TRUYVET_ACME_DIRECTORY", "", "https URL of the authority's directory (default that of a public one)"},
		{"TRUYVET_ACME_ROOTS", "", "file of the certificates that an authority of your own is believed by"},
		{"TRUYVET_HTTP_LISTEN", "http-listen", "address on which plain HTTP is answered with the way to HTTPS, and authorities, as :80 (default none)"},
		{"TRUYVET_TRUSTED_PROXIES", "trusted-proxies", "addresses of the proxies in front, comma-separated; whom they name is believed (default none: all who come through one count as one person)"},
		{"TRUYVET_SECOND_FACTOR", "", "roles that do nothing without a second factor, comma-separated: owner, ward, district, city, admin, auditor; or none (default ward,district,city,admin; none in a demonstration)"},
		{"TRUYVET_SMS_WEBHOOK", "", "URL of the SMS gateway that one-time codes are posted to"},
		{"TRUYVET_KEY_FILE", "", "signing keys of codes (default DATA/keys.json)"},
		{"TRUYVET_SECRET_FILE", "", "pseudonym, credential, audit, page and vault keys (default DATA/secrets.json)"},
		{"TRUYVET_SECRETS", "", "the content of that file, where the keys come from the environment; it cannot be rotated then"},
		{"TRUYVET_RETENTION_DAYS", "retention-days", "how long scans are kept (default 21)"},
		{"TRUYVET_LIST_DAYS", "", "how long the lists of trace runs are kept (default 90)"},
		{"TRUYVET_OPENED_DELAY_DAYS", "", "after how many days people are told who opened their details (default 14)"},
		{"TRUYVET_AUDIT_HEADS", "", "folder, best on another machine, that each day's signed head of the audit log is written into (default DATA/audit-heads alone)"},
		{"TRUYVET_FORMS", "", "folder of own forms of health declarations, one *.json each, which places can ask for beside those of the program (default none)"},
		{"TRUYVET_TIME_ZONE", "", "zone of the days that people type (default Asia/Ho_Chi_Minh)"},
		{"TRUYVET_REGISTRY_URL", "registry", "postgres://USER@HOST:PORT/DATABASE for a registry that several servers share (default DATA/registry.db)"},
		{"TRUYVET_REDIS_URL", "redis", "redis://HOST:PORT/DB, for the cluster mode"},
		{"TRUYVET_CLICKHOUSE_URL", "clickhouse", "clickhouse://HOST:PORT/DATABASE, for the cluster mode"},
		{"TRUYVET_CLICKHOUSE_CLUSTER", "", "cluster of the ClickHouse servers' remote_servers to spread scans over (default one server)"},
		{"TRUYVET_SHARDS", "", "number of Redis streams, the same everywhere (default 4)"},
		{"TRUYVET_WORKER_NAME", "", "tells the workers of one machine apart (default the machine's name)"},
		{"TRUYVET_CLAIM_SECONDS", "", "after what silence of a worker others take over (default 60)"},
		{"TRUYVET_TRACE_SOURCE", "trace-source", "what traces read: memory, clickhouse, or auto: memory while it fits (default auto)"},
		{"TRUYVET_MEMORY_BUDGET", "memory-budget", "MiB that the scans may take in memory (default half of the machine's)"},
		{"TRUYVET_WALK_MEMORY", "", "MiB in which a walk over ClickHouse tells apart whom people have it from; with less it reads more often (default 256)"},
		{"TRUYVET_STREAM_LIMIT", "", "scans that one Redis stream may have; beyond it they are answered 503 (default 5000000)"},
		{"TRUYVET_DEVICE_LIMIT", "", "scans a minute of one person's credential, five minutes' worth at once; 0 is no limit (default 300)"},
		{"TRUYVET_ADDRESS_LIMIT", "", "POSTs a minute of one address, a minute's worth at once; 0 is no limit; loopback has none (default 6000)"},
		{"TRUYVET_PLACE_LIMIT", "", "places that one organisation may have; 0 is no limit (default 100000)"},
		{"TRUYVET_OPS_LISTEN", "ops-listen", "address for metrics and health, or off (default 127.0.0.1, the port of LISTEN + 1; of a worker + 2)"},
		{"TRUYVET_DRAIN_SECONDS", "", "how long a server that was told to stop still answers while /readyz says no (default 0)"},
		{"TRUYVET_LOG_LEVEL", "log-level", "debug, info, warn or error (default info)"},
	}
}
