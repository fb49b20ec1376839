package redisstream_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// replicate starts a replica of a server, and returns when the server sends it what it writes.
func replicate(t *testing.T, server *testenv.Server) *testenv.Server {
	t.Helper()
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	replica := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--replicaof", host, port}})
	waitReplicas(t, server, 1)
	return replica
}

// waitReplicas returns when a server has so many replicas that are connected.
func waitReplicas(t *testing.T, server *testenv.Server, want int) {
	t.Helper()
	c := client(t, server)
	for {
		role, err := c.Do(t.Context(), "ROLE").Slice()
		if err != nil {
			t.Fatal(err)
		}
		if role[0] == "master" && len(role[2].([]any)) == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func signal(t *testing.T, server *testenv.Server, sig syscall.Signal) {
	t.Helper()
	if err := server.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func TestAcceptedIsOnAReplica(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--repl-diskless-sync-delay", "0"}})
	layout := newLayout()
	log := openLog(t, server, redisstream.Options{Layout: layout})
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 10))
	replica := replicate(t, server)

	scanlogtest.Append(t, log, scanlogtest.Scans(10, 1000))
	if got := len(all(t, replica, layout.Prefix)); got != 1000 {
		t.Fatalf("the replica has %d scans of a thousand that were accepted", got)
	}

	// What no replica has is not promised, whether it is new or was logged by the append that failed.
	signal(t, replica, syscall.SIGSTOP)
	for _, what := range []string{"new", "repeated"} {
		if _, err := log.Append(t.Context(), scanlogtest.Scans(1000, 1010)); !errors.Is(err, scanlog.ErrUnavailable) {
			t.Errorf("%s scans, while the replica does not answer: %v", what, err)
		}
	}
	signal(t, replica, syscall.SIGCONT)
	for i, outcome := range scanlogtest.Append(t, log, scanlogtest.Scans(1000, 1020)) {
		if want := (map[bool]scanlog.Outcome{true: scanlog.Duplicate, false: scanlog.Accepted})[i < 10]; outcome != want {
			t.Errorf("scan %d is %v, want %v", i, outcome, want)
		}
	}

	// The master is lost, the replica takes over.
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := client(t, replica).ReplicaOf(t.Context(), "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	heir := openLog(t, replica, redisstream.Options{Layout: layout})
	for i, outcome := range scanlogtest.Append(t, heir, scanlogtest.Scans(0, 1020)) {
		if outcome != scanlog.Duplicate {
			t.Fatalf("accepted scan %d is %v after the failover", i, outcome)
		}
	}
}

func TestCheckOfReplicas(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--repl-diskless-sync-delay", "0"}})
	log := openLog(t, server, redisstream.Options{Layout: newLayout()})
	found := func() []string {
		t.Helper()
		findings, err := log.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var settings []string
		for _, f := range findings {
			settings = append(settings, f.Setting+"="+f.Value)
		}
		return settings
	}
	if got := found(); len(got) != 0 {
		t.Errorf("of a server without replicas: %v", got)
	}
	replica := replicate(t, server)
	if got := found(); len(got) != 1 || got[0] != "min-replicas-to-write=0" {
		t.Errorf("of a server with a replica that need not be there: %v", got)
	}
	admin := client(t, server)
	for _, enough := range []string{"2", "1"} {
		if err := admin.ConfigSet(t.Context(), "min-replicas-to-write", enough).Err(); err != nil {
			t.Fatal(err)
		}
		if got := found(); len(got) != 0 {
			t.Errorf("of a server that insists on %s replicas: %v", enough, got)
		}
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 10))
	if err := replica.Kill(); err != nil {
		t.Fatal(err)
	}
	waitReplicas(t, server, 0)
	if _, err := log.Append(t.Context(), scanlogtest.Scans(10, 20)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("without the replica that the server insists on: %v", err)
	}
	if err := admin.ConfigSet(t.Context(), "min-replicas-to-write", "0").Err(); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(10, 20))

	// Who may not ask waits for no replica, and is told so.
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "default", "-role").Err(); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(20, 30))
	if got := found(); len(got) != 1 || got[0] != "ROLE=" {
		t.Errorf("of a server that hides its replicas: %v", got)
	}
}

func TestReplicaInACluster(t *testing.T) {
	options := testenv.RedisOptions{Args: []string{"--cluster-enabled", "yes", "--repl-diskless-sync-delay", "0"}}
	master, replica := testserver.Redis(t, options), testserver.Redis(t, options)
	toMaster, toReplica := client(t, master), client(t, replica)
	if err := toMaster.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := toReplica.ClusterMeet(t.Context(), host, port).Err(); err != nil {
		t.Fatal(err)
	}
	id, err := toMaster.ClusterMyID(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for toReplica.ClusterReplicate(t.Context(), id).Err() != nil { // until the two have met
		time.Sleep(10 * time.Millisecond)
	}
	waitReplicas(t, master, 1)
	waitClusterOK(t, toMaster)
	log, err := redisstream.Open("redis+cluster://"+master.Addr, redisstream.Options{Layout: newLayout()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 1000))
	if findings, err := log.Check(t.Context()); err != nil || len(findings) != 1 {
		t.Errorf("check: %v, %v", findings, err)
	}
	signal(t, replica, syscall.SIGSTOP)
	if _, err := log.Append(t.Context(), scanlogtest.Scans(1000, 1010)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("while the replica does not answer: %v", err)
	}
	signal(t, replica, syscall.SIGCONT)
	scanlogtest.Append(t, log, scanlogtest.Scans(1000, 1010))
}

// waitClusterOK returns when a node serves every slot.
func waitClusterOK(t *testing.T, c *redis.Client) {
	t.Helper()
	for {
		info, err := c.ClusterInfo(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			return
		}
	}
}
