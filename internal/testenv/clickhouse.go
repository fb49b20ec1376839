package testenv

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ClickHouseOptions say how a clickhouse-server is to differ from the usual.
type ClickHouseOptions struct {
	Timezone string // of the server; that of the machine by default
	// MarkCache is how many bytes of the places in its files a server remembers: 64 MiB by default, which suits tables of tests.
	// A server that is not told has 5 GiB.
	MarkCache int
}

// StartClickHouse starts a clickhouse-server with its data in dir. Addr is for the native protocol; the user is default,
// without a password, from this machine only.
func StartClickHouse(ctx context.Context, dir string, o ClickHouseOptions) (*Server, error) {
	return start(ctx, dir, clickHouse(o, nil))
}

// ClickHouseCluster is how servers of StartClickHouseCluster name the cluster that they are.
const ClickHouseCluster = "truyvet"

// StartClickHouseCluster starts clickhouse-servers that know one another as the shards of ClickHouseCluster, each with its
// data in a folder of dir. When one cannot start, none runs.
func StartClickHouseCluster(ctx context.Context, dir string, shards int, o ClickHouseOptions) (servers []*Server, err error) {
	err = onFreePorts(ctx, shards*clickHousePorts, func(ports []int) error {
		var known []int
		for i := range shards {
			known = append(known, ports[i*clickHousePorts])
		}
		servers = nil
		for i := range shards {
			own := ports[i*clickHousePorts : (i+1)*clickHousePorts]
			server, err := startOn(ctx, filepath.Join(dir, fmt.Sprintf("shard%d", i+1)), clickHouse(o, known), own)
			if err != nil {
				for _, server := range servers {
					_ = server.Kill()
				}
				return err
			}
			servers = append(servers, server)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return servers, nil
}

// clickHousePorts is how many ports a server takes: for the native protocol, and for HTTP.
const clickHousePorts = 2

// clickHouse is the program; shards are the ports of its cluster for the native protocol, none where it is alone.
func clickHouse(o ClickHouseOptions, shards []int) program {
	return program{
		name:    "clickhouse-server",
		binary:  "clickhouse-server",
		install: "apt-get install -y clickhouse-server",
		ports:   clickHousePorts,
		configure: func(dir string, ports []int) ([]string, error) {
			path, err := configureClickHouse(dir, ports, o, shards)
			return []string{"--config-file=" + path}, err
		},
		ready: func(ctx context.Context, ports []int) error { return pingClickHouse(ctx, ports[1]) },
	}
}

// clickHouseConfig is the part of config.xml that is needed, in the words that releases since 2018 understand.
type clickHouseConfig struct {
	XMLName xml.Name `xml:"yandex"`
	Logger  struct {
		Level    string `xml:"level"`
		Log      string `xml:"log"`
		ErrorLog string `xml:"errorlog"`
	} `xml:"logger"`
	ListenHost      string `xml:"listen_host"`
	TCPPort         int    `xml:"tcp_port"`
	HTTPPort        int    `xml:"http_port"`
	Path            string `xml:"path"`
	TmpPath         string `xml:"tmp_path"`
	UserFilesPath   string `xml:"user_files_path"`
	SchemaPath      string `xml:"format_schema_path"`
	UsersConfig     string `xml:"users_config"`
	DefaultProfile  string `xml:"default_profile"`
	DefaultDatabase string `xml:"default_database"`
	MarkCacheSize   int    `xml:"mark_cache_size"`
	MaxQueries      int    `xml:"max_concurrent_queries"`
	Timezone        string `xml:"timezone,omitempty"`
	// Shards are those of ClickHouseCluster.
	Shards []clickHouseShard `xml:"remote_servers>truyvet>shard,omitempty"`
}

// clickHouseShard is a shard of one replica.
type clickHouseShard struct {
	Host string `xml:"replica>host"`
	Port int    `xml:"replica>port"`
}

const clickHouseUsers = `<yandex>
  <profiles><default><max_memory_usage>4000000000</max_memory_usage></default></profiles>
  <users><default>
    <password></password>
    <networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
  </default></users>
  <quotas><default></default></quotas>
</yandex>
`

func configureClickHouse(dir string, ports []int, o ClickHouseOptions, shards []int) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	users := filepath.Join(dir, "users.xml")
	config := clickHouseConfig{
		ListenHost:      "127.0.0.1",
		TCPPort:         ports[0],
		HTTPPort:        ports[1],
		Path:            dir + "/data/",
		TmpPath:         dir + "/tmp/",
		UserFilesPath:   dir + "/user_files/",
		SchemaPath:      dir + "/format_schemas/",
		UsersConfig:     users,
		DefaultProfile:  "default",
		DefaultDatabase: "default",
		MarkCacheSize:   cmp.Or(o.MarkCache, 64<<20),
		MaxQueries:      100,
		Timezone:        o.Timezone,
	}
	for _, port := range shards {
		config.Shards = append(config.Shards, clickHouseShard{Host: "127.0.0.1", Port: port})
	}
	config.Logger.Level = "warning"
	config.Logger.Log = filepath.Join(dir, "server.log")
	config.Logger.ErrorLog = filepath.Join(dir, "server.err.log")
	text, err := xml.MarshalIndent(config, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(users, []byte(clickHouseUsers), 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config.xml")
	return path, os.WriteFile(path, text, 0o600)
}

func pingClickHouse(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/ping", port), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text := make([]byte, 16)
	n, _ := answer.Body.Read(text)
	if !strings.HasPrefix(string(text[:n]), "Ok") {
		return fmt.Errorf("it answered %s", answer.Status)
	}
	return nil
}
