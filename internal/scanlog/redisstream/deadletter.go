package redisstream

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
)

// Letter is an entry of the log that was no scan for the worker that read it.
type Letter struct {
	ID     string    // SHARD/ID of the dead letter
	Buried time.Time // when it was put aside
	Entry  string    // the id that it had in its stream
	Reason string
	Worker string
	Raw    []byte    // the entry's bytes; empty where it had none
	Scan   scan.Scan // what this program reads in Raw; meaningless where Fault is not nil
	Fault  error     // why Raw is no scan for this program either
}

// The errors of dead letters. Compare with errors.Is.
var (
	ErrNoLetter       = errors.New("there is no such dead letter")
	ErrLetterUnread   = errors.New("this program cannot read the entry either")
	ErrLetterConflict = errors.New("another scan was logged under this id since")
)

// DeadLetters looks through what workers could not read, and puts back what this program can. It is safe for concurrent
// use.
type DeadLetters struct {
	layout Layout
	window time.Duration
	client redis.UniversalClient
	replay *redis.Script
}

// replayScript puts a letter back, or says why not, all at once.
//
//go:embed replay.lua
var replayScript string

// OpenDeadLetters opens the dead letters of the log that Open opens with the same options. It does not wait for Redis.
func OpenDeadLetters(address string, o Options) (*DeadLetters, error) {
	client, err := connect(address)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return &DeadLetters{layout: o.Layout, window: o.Window, client: client, replay: redis.NewScript(replayScript)}, nil
}

// Close closes the connections.
func (d *DeadLetters) Close() error {
	if err := d.client.Close(); err != nil {
		return fmt.Errorf("closing the connections to Redis: %w", err)
	}
	return nil
}

// List returns the newest letters, at most so many, the newest first.
func (d *DeadLetters) List(ctx context.Context, most int) ([]Letter, error) {
	var letters []Letter
	for k := range d.layout.Shards {
		messages, err := d.client.XRevRangeN(ctx, d.layout.dead(k), "+", "-", int64(most)).Result()
		if err != nil {
			return nil, unavailable("reading the dead letters", err)
		}
		for _, m := range messages {
			letter, err := letterOf(k, m)
			if err != nil {
				return nil, err
			}
			letters = append(letters, letter)
		}
	}
	slices.SortStableFunc(letters, func(a, b Letter) int { return b.Buried.Compare(a.Buried) })
	return letters[:min(len(letters), most)], nil
}

// Get returns a letter. The error is ErrNoLetter where there is none of this id.
func (d *DeadLetters) Get(ctx context.Context, id string) (Letter, error) {
	shard, entry, err := d.parse(id)
	if err != nil {
		return Letter{}, err
	}
	messages, err := d.client.XRangeN(ctx, d.layout.dead(shard), entry, entry, 1).Result()
	if err != nil {
		return Letter{}, unavailable("reading a dead letter", err)
	}
	if len(messages) == 0 {
		return Letter{}, ErrNoLetter
	}
	return letterOf(shard, messages[0])
}

// Replay puts a letter that this program can read back into the log, as it was: a worker then stores it. Letter and entry
// change places in one step, so however often it is tried, and by however many, the entry is put back once; and where the
// scan had been stored in some other way, the store counts it once, as it does with any entry that comes again.
//
// The errors: ErrLetterUnread, ErrLetterConflict and ErrNoLetter, with which the letter stays or is gone already, and those
// of scanlog.Log.Append, after which it may be tried again.
func (d *DeadLetters) Replay(ctx context.Context, l Letter) error {
	shard, entry, err := d.parse(l.ID)
	if err != nil {
		return err
	}
	if l.Fault != nil {
		return fmt.Errorf("%w: %w", ErrLetterUnread, l.Fault)
	}
	key, digest := l.Scan.Key(), l.Scan.Digest()
	if of := d.layout.shardOf(l.Scan.Alias); of != shard {
		return fmt.Errorf("%w: its alias belongs to shard %d", ErrLetterUnread, of)
	}
	answer, err := d.replay.Run(ctx, d.client,
		[]string{d.layout.stream(shard), d.layout.dead(shard), memoryFor(&l.Scan).name(d.layout, shard), d.layout.count(shard)},
		entry, l.Raw, digest[:], int64(d.window/time.Second), d.layout.MaxLen, key[:],
	).Text()
	switch {
	case err != nil:
		return unavailable("putting a dead letter back", err)
	case answer == "gone":
		return ErrNoLetter
	case answer == "c":
		return ErrLetterConflict
	}
	return nil
}

// parse takes the id of a letter apart.
func (d *DeadLetters) parse(id string) (shard int, entry string, err error) {
	text, entry, _ := strings.Cut(id, "/")
	shard, errShard := strconv.Atoi(text)
	seq, errEntry := parseID(entry)
	if errShard != nil || errEntry != nil || shard < 0 || shard >= d.layout.Shards {
		return 0, "", fmt.Errorf("%q is not the id of a dead letter, like 0/1638400000000-0: %w", id, ErrNoLetter)
	}
	return shard, entryID(seq), nil
}

// letterOf reads a letter as Bury writes it.
func letterOf(shard int, m redis.XMessage) (Letter, error) {
	seq, err := parseID(m.ID)
	if err != nil {
		return Letter{}, err
	}
	field := func(name string) string { text, _ := m.Values[name].(string); return text }
	l := Letter{
		ID: strconv.Itoa(shard) + "/" + m.ID, Buried: time.UnixMilli(int64(seq >> milliShift)).UTC(),
		Entry: field("entry"), Reason: field("reason"), Worker: field("worker"), Raw: []byte(field("raw")),
	}
	l.Scan, l.Fault = scan.DecodeWire(l.Raw)
	return l, nil
}
