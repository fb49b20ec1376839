package redisstream

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Finding is a setting of a Redis server that weakens what Append promises.
type Finding struct {
	Node    string // address of the server
	Setting string
	Value   string // what it is set to, "" if it cannot be read
	Want    string // what it should be set to
	Risk    string // one English sentence
}

// String returns the finding as one line for a log.
func (f Finding) String() string {
	return fmt.Sprintf("redis %s: %s is %q and should be %q: %s", f.Node, f.Setting, f.Value, f.Want, f.Risk)
}

// settings are what the promise rests on.
var settings = [...]Finding{
	{Setting: "appendonly", Want: "yes", Risk: "Accepted scans are lost when the server ends."},
	{Setting: "appendfsync", Want: "always", Risk: "Seconds of accepted scans can be lost when the server is killed or loses power."},
	{Setting: "maxmemory-policy", Want: "noeviction", Risk: "When memory is short, the server may forget what it has seen, or whole streams."},
}

// minReplicas is what the promise rests on where there are replicas.
var minReplicas = Finding{
	Setting: "min-replicas-to-write", Want: "1",
	Risk: "While no replica is connected scans are accepted by one server alone, and a failover then loses them.",
}

// Check asks every master what it is set to and returns what is unsafe. A setting that may not be read is a finding too.
// The error is scanlog.ErrUnavailable when a server cannot be reached.
func (l *Log) Check(ctx context.Context) ([]Finding, error) {
	nodes, err := masters(ctx, l.client)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, node := range nodes {
		found, err := checkNode(ctx, node)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// masters returns every master behind a client.
func masters(ctx context.Context, client redis.UniversalClient) ([]*redis.Client, error) {
	cluster, is := client.(*redis.ClusterClient)
	if !is {
		return []*redis.Client{client.(*redis.Client)}, nil
	}
	found := make(chan *redis.Client, maxMasters)
	if err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		found <- node
		return nil
	}); err != nil {
		return nil, unavailable("finding the masters of the cluster", err)
	}
	close(found)
	var nodes []*redis.Client
	for node := range found {
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// checkNode asks one master.
func checkNode(ctx context.Context, node *redis.Client) ([]Finding, error) {
	var findings []Finding
	for _, want := range settings {
		found, safe, err := checkSetting(ctx, node, want)
		if err != nil {
			return nil, err
		}
		if !safe {
			findings = append(findings, found)
		}
	}
	role := redis.NewSliceCmd(ctx, "ROLE")
	if err := node.Process(ctx, role); err != nil && isRefusal(err) {
		return append(findings, Finding{
			Node: node.Options().Addr, Setting: "ROLE", Want: "allowed",
			Risk: "It cannot be asked for its replicas, so scans do not wait for one, and a failover can lose them.",
		}), nil
	}
	replicas, err := replicasOf(role)
	if err != nil || replicas == 0 {
		return findings, err
	}
	found, safe, err := checkSetting(ctx, node, minReplicas)
	if err == nil && (found.Value == "0" || !safe && found.Value == "") {
		findings = append(findings, found)
	}
	return findings, err
}

// checkSetting asks a server for a setting, and says whether it is as wanted.
func checkSetting(ctx context.Context, node *redis.Client, want Finding) (found Finding, safe bool, err error) {
	found = want
	found.Node = node.Options().Addr
	values, err := node.ConfigGet(ctx, want.Setting).Result()
	switch {
	case err != nil && isRefusal(err):
		found.Risk = "It cannot be read, so nobody knows. " + want.Risk
		return found, false, nil
	case err != nil:
		return found, false, unavailable("asking for the server's settings", err)
	}
	found.Value = values[want.Setting]
	return found, found.Value == want.Want, nil
}

// maxMasters is the most masters that a Redis Cluster can have: one for each slot.
const maxMasters = 16384

// isRefusal says that the server answered but does not let us see its settings, as hosted ones do.
func isRefusal(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.HasPrefix(text, "noperm") || strings.HasPrefix(text, "err unknown command")
}
