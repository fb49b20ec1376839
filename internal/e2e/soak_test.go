package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/tracing/stay"
)

var (
	soakFor  = flag.Duration("soak.for", 0, "for how long schedules of faults are drawn and carried out, beside the usual few")
	soakSeed = flag.Uint64("soak.seed", 0, "the one schedule of faults that is carried out")
)

// lostAnswer is a schedule in which a worker that went on did not know of what Redis had given it.
const lostAnswer = 12439958213323708696

// usualSeeds are the schedules that every run of the tests carries out: the first n, and those that have once failed.
func usualSeeds(n uint64, failed ...uint64) []uint64 {
	seeds := failed
	for seed := uint64(1); seed <= n; seed++ {
		seeds = append(seeds, seed)
	}
	return seeds
}

// seeds gives the seeds of the schedules to carry out, drawn ones for as long as was asked for.
func seeds(t *testing.T, usual []uint64, share time.Duration) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		if *soakSeed != 0 {
			yield(*soakSeed)
			return
		}
		began := time.Now()
		for _, seed := range usual {
			if !yield(seed) {
				return
			}
		}
		for time.Since(began) < share && !t.Failed() {
			if !yield(rand.Uint64()) {
				return
			}
		}
	}
}

// bed is what schedules are carried out on.
type bed struct {
	*town
	faults []fault
	// stored waits until everything accepted is stored, and returns what the store has that it had not at the last call.
	stored func(ctx context.Context) ([]scan.Scan, error)
}

// sent is a scan that a schedule sent, by what makes it one.
type sent struct{ alias, id uuid.UUID }

// TestFaultsLoseNothing carries out schedules of faults on a cluster while phones send scans: serve, both workers, Redis and
// ClickHouse die, are paused, run out of room, and the lines between them are cut, stalled, slowed down and broken. After
// each, exactly the acknowledged scans are in the store.
func TestFaultsLoseNothing(t *testing.T) {
	b := newClusterBed(t)
	for seed := range seeds(t, usualSeeds(8, lostAnswer), *soakFor*3/4) {
		b.carryOut(t, seed)
	}
	b.noDeadLetters(t)
}

// TestFaultsLoseNothingStandalone does the same with a standalone server.
func TestFaultsLoseNothingStandalone(t *testing.T) {
	b := newStandaloneBed(t)
	for seed := range seeds(t, usualSeeds(4), *soakFor/4) {
		b.carryOut(t, seed)
	}
}

// clusterBed is a bed with what only a cluster has.
type clusterBed struct {
	bed
	redis *redis.Client
}

// claimAfter is so short that a paused worker is taken for dead.
const claimAfter = time.Second

func newClusterBed(t *testing.T) *clusterBed {
	// What a line corrupts must be noticed: towards Redis TLS does that, towards ClickHouse the checksums of its blocks.
	certificate, err := testenv.NewCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := testserver.Redis(t, testenv.RedisOptions{Certificate: certificate})
	store, disk := clickHouseOn(t)
	serveToRedis, workToRedis := newLine(t, "serve-redis", server.SecureAddr), newLine(t, "worker-redis", server.SecureAddr)
	workToStore := newLine(t, "worker-clickhouse", store.Addr)
	g := newGateway(t)
	in := install(t, "TRUYVET_SMS_WEBHOOK="+g.URL, "TRUYVET_REDIS_URL=rediss://"+serveToRedis.addr()+"/0",
		"TRUYVET_CLICKHOUSE_URL=clickhouse://"+store.Addr+"/default", "TRUYVET_CLAIM_SECONDS=1", "SSL_CERT_FILE="+certificate.CertFile,
		"TRUYVET_ADDRESS_LIMIT=0", "TRUYVET_DEVICE_LIMIT=0")
	in.run("migrate")
	serve := in.serve()
	b := &clusterBed{bed: bed{town: settle(t, in, g)}, redis: redis.NewClient(&redis.Options{Addr: server.Addr})}
	t.Cleanup(func() { _ = b.redis.Close() })
	b.faults = slices.Concat(disk, spoiling("line of serve to redis", serveToRedis), spoiling("line of worker to redis", workToRedis),
		spoiling("line of worker to clickhouse", workToStore), []fault{
			killing("serve", serve, func() { in.await(serve) }),
			dying(t, "redis", server), dying(t, "clickhouse", store), fullMemory(t, server),
			pausing("redis", server.Signal, 0), pausing("clickhouse", store.Signal, 0),
		})
	for _, name := range []string{"worker-a", "worker-b"} {
		w := in.startWith("worker", "TRUYVET_WORKER_NAME="+name, "TRUYVET_REDIS_URL=rediss://"+workToRedis.addr()+"/0",
			"TRUYVET_CLICKHOUSE_URL=clickhouse://"+workToStore.addr()+"/default", "")
		b.faults = append(b.faults, killing(name, w, func() {}), pausing(name, w.signal, 2*claimAfter))
	}
	b.stored = storedInCluster(t, server.Addr, store.Addr)
	return b
}

func storedInCluster(t *testing.T, redisAddr, storeAddr string) func(context.Context) ([]scan.Scan, error) {
	t.Helper()
	log, err := redisstream.Open("redis://"+redisAddr+"/0", redisstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := clickhouse.Open("clickhouse://"+storeAddr+"/default", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(log.Close(), store.Close()) })
	read := make(scanlog.Watermark)
	return func(ctx context.Context) ([]scan.Scan, error) {
		tail, err := log.Tail(ctx)
		if err != nil {
			return nil, err
		}
		stored, err := log.Stored(ctx)
		if err != nil {
			return nil, err
		}
		if !stored.Covers(tail) {
			return nil, fmt.Errorf("stored %v of %v", stored, tail)
		}
		var scans []scan.Scan
		err = store.Read(ctx, read, tail, func(block []scan.Scan) error {
			scans = append(scans, block...)
			return nil
		})
		if err == nil {
			read = tail
		}
		return scans, err
	}
}

func newStandaloneBed(t *testing.T) *bed {
	g := newGateway(t)
	in := install(t, "TRUYVET_SMS_WEBHOOK="+g.URL, "TRUYVET_ADDRESS_LIMIT=0", "TRUYVET_DEVICE_LIMIT=0")
	serve := in.serve()
	b := &bed{town: settle(t, in, g), faults: []fault{
		killing("serve", serve, func() { in.await(serve) }),
		pausing("serve", serve.signal, 0),
	}}
	read := make(scanlog.Watermark)
	b.stored = func(ctx context.Context) (scans []scan.Scan, err error) {
		serve.kill() // its files are looked at as it left them
		defer func() { serve.begin(); in.await(serve) }()
		store, err := sqlite.Open(ctx, filepath.Join(in.data, "scans"), sqlite.Options{})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		tail, err := store.Tail(ctx)
		if err != nil {
			return nil, err
		}
		err = store.Read(ctx, read, tail, func(block []scan.Scan) error {
			scans = append(scans, block...)
			return nil
		})
		if err == nil {
			read = tail
		}
		return scans, err
	}
	return b
}

// carryOut carries out one schedule while phones send, and compares what was acknowledged with what is stored.
func (b *bed) carryOut(t *testing.T, seed uint64) {
	t.Helper()
	steps := schedule(seed, b.faults)
	defer func() {
		if t.Failed() {
			t.Logf("-soak.seed=%d does it again:%s", seed, describe(steps))
		}
	}()
	eventually(t, "the store is read as it was before", func() error { _, err := b.stored(t.Context()); return err })
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	acknowledged := make(map[sent]wireScan)
	var mu sync.Mutex
	done := make(chan struct{})
	var phones sync.WaitGroup
	for n := range 3 {
		dice := rand.New(rand.NewPCG(seed, uint64(n)+1))
		phones.Go(func() {
			for !over(done) {
				alias, scans := b.somebody(dice)
				credential, _ := b.issue(alias)
				if _, err := b.send(ctx, credential, scans); err != nil {
					t.Errorf("seed %d: %v", seed, err)
					return
				}
				mu.Lock()
				for _, s := range scans {
					acknowledged[sent{alias, uuid.MustParse(s.ID)}] = s
				}
				mu.Unlock()
			}
		})
	}
	carryOut(ctx, steps)
	close(done)
	phones.Wait()

	var stored []scan.Scan
	eventually(t, "everything accepted is stored", func() (err error) { stored, err = b.stored(ctx); return err })
	if err := same(acknowledged, stored); err != nil {
		t.Errorf("%v", err)
	}
	t.Logf("seed %d: %d scans;%s", seed, len(acknowledged), describe(steps))
	if t.Failed() {
		t.FailNow()
	}
}

// somebody draws a person and some scans of theirs.
func (b *bed) somebody(dice *rand.Rand) (uuid.UUID, []wireScan) {
	from := time.Now().Add(-time.Duration(2+dice.IntN(20)) * time.Hour)
	var scans []wireScan
	for i := range 1 + dice.IntN(5) {
		scans = append(scans, visit(b.token, from.Add(time.Duration(i)*time.Hour/4), 10*time.Minute)...)
	}
	return uuid.New(), scans[:1+dice.IntN(len(scans))]
}

var kindNames = map[stay.Kind]string{stay.In: "in", stay.Out: "out"}

// same says where what is stored is not what was acknowledged. A store may give a scan twice at one position, as inserting
// again leaves it, which its readers count once; and never at two.
func same(acknowledged map[sent]wireScan, stored []scan.Scan) error {
	type position struct {
		shard uint32
		seq   uint64
	}
	at := make(map[sent]position, len(stored))
	var faults []error
	for _, s := range stored {
		key, here := sent{s.Alias, s.ID}, position{s.Shard, s.Seq}
		was, is := acknowledged[key]
		first, twice := at[key]
		switch {
		case !is:
			faults = append(faults, fmt.Errorf("%v is stored and nobody sent it", key))
		case twice && first != here:
			faults = append(faults, fmt.Errorf("%v is stored at %v and %v", key, first, here))
		case was.At != s.At || was.Kind != kindNames[s.Kind]:
			faults = append(faults, fmt.Errorf("%v is stored as %s at %d, and was sent as %s at %d", key, kindNames[s.Kind], s.At, was.Kind, was.At))
		}
		at[key] = here
	}
	for key := range maps.Keys(acknowledged) {
		if _, is := at[key]; !is {
			faults = append(faults, fmt.Errorf("%v was acknowledged and is not stored", key))
		}
	}
	return errors.Join(faults[:min(len(faults), 10)]...)
}

// noDeadLetters wants that nothing was put aside.
func (b *clusterBed) noDeadLetters(t *testing.T) {
	t.Helper()
	for shard := range 4 {
		n, err := b.redis.XLen(t.Context(), fmt.Sprintf("tv:{%d}:dead", shard)).Result()
		if err != nil || n != 0 {
			t.Errorf("shard %d has %d dead letters: %v", shard, n, err)
		}
	}
}
