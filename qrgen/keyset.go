package qrgen

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// KeyState is what a key may still be used for.
type KeyState string

// The states of a key. A key moves down this list, never up.
const (
	// StateCurrent signs and verifies. At most one key of a set is current.
	StateCurrent KeyState = "current"
	// StateRetired signs no more; the codes it signed are still good.
	StateRetired KeyState = "retired"
	// StateCompromised signs and verifies no more.
	StateCompromised KeyState = "compromised"
)

var (
	// ErrNoSigningKey means that no key of the set can sign.
	ErrNoSigningKey = errors.New("no current signing key")
	// ErrVerifyOnly means that a set read from its public form cannot be changed
	// or written as a private one.
	ErrVerifyOnly = errors.New("the key set holds public keys only")
	// ErrNoSuchKey means that the set has no key of that id.
	ErrNoSuchKey = errors.New("no such key")
	// ErrKeyCompromised means that a compromised key cannot be made good again.
	ErrKeyCompromised = errors.New("the key is compromised")
)

// Key is the public side of one signing key.
type Key struct {
	// ID is the key's number in tokens, from 1; ids are never given out twice.
	ID uint16
	// State is what the key may still be used for.
	State KeyState
	// CreatedAt is when the key was made, in whole seconds, UTC.
	CreatedAt time.Time
	// Public verifies what the key signed.
	Public ed25519.PublicKey
}

// KeySet holds the keys that sign and verify codes. Only the current key has a
// private part: it is forgotten as soon as a key is retired or compromised, for
// such a key never signs again.
//
// All methods may be called concurrently; a rotation is seen by every call that
// begins after it.
type KeySet struct {
	mu         sync.RWMutex
	keys       map[uint16]Key
	private    ed25519.PrivateKey // of the key current, nil if none can sign
	current    uint16
	verifyOnly bool
}

// NewKeySet returns a set without keys. [KeySet.Create] makes its first.
func NewKeySet() *KeySet {
	return &KeySet{keys: make(map[uint16]Key)}
}

// Create makes a new random Ed25519 key the current one; the one that was
// current is retired. The time, cut to whole seconds, is recorded as the key's
// creation.
func (ks *KeySet) Create(at time.Time) (Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("creating a key: %w", err)
	}
	ks.mu.Lock()
	defer ks.mu.Unlock()
	if ks.verifyOnly {
		return Key{}, fmt.Errorf("creating a key: %w", ErrVerifyOnly)
	}
	var last uint16
	for id := range ks.keys {
		last = max(last, id)
	}
	if last == math.MaxUint16 {
		return Key{}, errors.New("creating a key: all 65535 key ids are used up")
	}
	if ks.current != 0 {
		ks.leave(ks.current, StateRetired)
	}
	key := Key{ID: last + 1, State: StateCurrent, CreatedAt: at.UTC().Truncate(time.Second), Public: public}
	ks.keys[key.ID] = key
	ks.current, ks.private = key.ID, private
	return key.clone(), nil
}

// Retire keeps a key from signing; its codes stay good. Retiring the current key
// leaves a set that cannot sign until the next [KeySet.Create]. It returns
// [ErrNoSuchKey] or [ErrKeyCompromised], and nil for a key already retired.
func (ks *KeySet) Retire(id uint16) error {
	return ks.change(id, StateRetired)
}

// Compromise withdraws all trust from a key: every code it signed is refused
// from now on. There is no way back. It returns [ErrNoSuchKey] for an id that
// the set does not have.
func (ks *KeySet) Compromise(id uint16) error {
	return ks.change(id, StateCompromised)
}

func (ks *KeySet) change(id uint16, to KeyState) error {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	key, ok := ks.keys[id]
	switch {
	case ks.verifyOnly:
		return fmt.Errorf("changing key %d: %w", id, ErrVerifyOnly)
	case !ok:
		return fmt.Errorf("changing key %d: %w", id, ErrNoSuchKey)
	case key.State == StateCompromised && to != StateCompromised:
		return fmt.Errorf("changing key %d: %w", id, ErrKeyCompromised)
	}
	ks.leave(id, to)
	return nil
}

// leave puts a key into a state other than current and forgets its private part.
// The caller holds the lock and knows the key to exist.
func (ks *KeySet) leave(id uint16, to KeyState) {
	key := ks.keys[id]
	key.State = to
	ks.keys[id] = key
	if id == ks.current {
		ks.current, ks.private = 0, nil
	}
}

// Replace makes the set hold what other holds, as after reading its file anew.
// Other must not be changed meanwhile.
func (ks *KeySet) Replace(other *KeySet) {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	ks.keys = maps.Clone(other.keys)
	ks.private, ks.current, ks.verifyOnly = other.private, other.current, other.verifyOnly
}

// Key returns the key of that id.
func (ks *KeySet) Key(id uint16) (Key, bool) {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	key, ok := ks.keys[id]
	return key.clone(), ok
}

// List returns all keys in the order of their ids.
func (ks *KeySet) List() []Key {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	keys := make([]Key, 0, len(ks.keys))
	for _, id := range sortedIDs(ks.keys) {
		keys = append(keys, ks.keys[id].clone())
	}
	return keys
}

func sortedIDs(keys map[uint16]Key) []uint16 {
	return slices.Sorted(maps.Keys(keys))
}

func (ks *KeySet) signingKey() (uint16, ed25519.PrivateKey, error) {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	if ks.private == nil {
		return 0, nil, ErrNoSigningKey
	}
	return ks.current, ks.private, nil
}

// clone keeps callers from writing into the set's own key bytes.
func (k Key) clone() Key {
	k.Public = slices.Clone(k.Public)
	return k
}
