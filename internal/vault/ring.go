// Package vault keeps who people are: names, numbers, addresses, encrypted. Nothing in it can be read without a key that is in
// no database, nothing of it stands in a log or in an error, and details of others are opened in one way alone, [Vault.Open], which
// leaves an audit entry in the transaction that reads them.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
)

// KeySize is the length of a key, in bytes.
const KeySize = 32

// Key is a key of the ring. Ids begin at 1 and are never given out twice: each value names the key that it is sealed with.
type Key struct {
	ID  uint32
	Key []byte
}

// The bytes of a sealed value: version 1, the id of the key (big-endian), the nonce, and what AES-256-GCM makes of the text
// (NIST SP 800-38D) with, as associated data,
//
//	"truyvet/vault/v1" ‖ version ‖ key id ‖ person ‖ field
//
// so that a value opens for the person and the field that it was sealed for alone. Nonces are random: of up to 2^32 values
// under one key (SP 800-38D, 8.3) none meets another's; ten fields of everybody in the country are a quarter of that, and what a
// million people declare each day comes to another quarter in three years.
const (
	sealedVersion = 1
	keyAt         = 1
	nonceAt       = keyAt + 4
	textAt        = nonceAt + 12
	sealedContext = "truyvet/vault/v1"
	tagSize       = 16
)

// LongestText is how many bytes a detail may have.
const LongestText = 4096

// The errors of sealed values. Compare with errors.Is. None of them holds a part of a value.
var (
	ErrDamaged    = errors.New("the sealed value is damaged, or was sealed for somebody else")
	ErrUnknownKey = errors.New("the sealed value's key is not in the ring")
	ErrTooLong    = errors.New("the detail is too long to be kept")
)

// Ring is the keys of the vault: the current one seals, the older ones still open. It is safe for concurrent use.
type Ring struct {
	reload func() error // has Replace called where the keys have changed; nil where they do not

	mu      sync.RWMutex
	current uint32
	keys    map[uint32]cipher.AEAD
}

// NewRing returns a ring of keys, of which the last is the current one. Where a value names a key that it does not have, the
// ring calls reload, which may call Replace, and looks again; it may be nil.
func NewRing(keys []Key, reload func() error) (*Ring, error) {
	r := &Ring{reload: reload}
	if err := r.Replace(keys); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace makes the ring hold these keys, the last of them as the current one. On an error it stays as it was.
func (r *Ring) Replace(keys []Key) error {
	ring := make(map[uint32]cipher.AEAD, len(keys))
	for _, key := range keys {
		if len(key.Key) != KeySize || key.ID == 0 || ring[key.ID] != nil {
			return fmt.Errorf("the vault's key %d is not one of %d bytes with an id of its own", key.ID, KeySize)
		}
		block, err := aes.NewCipher(key.Key)
		if err != nil {
			return fmt.Errorf("taking the vault's key %d: %w", key.ID, err)
		}
		if ring[key.ID], err = cipher.NewGCM(block); err != nil {
			return fmt.Errorf("taking the vault's key %d: %w", key.ID, err)
		}
	}
	if len(keys) == 0 {
		return errors.New("the vault has no key")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current, r.keys = keys[len(keys)-1].ID, ring
	return nil
}

// Current returns the id of the key that seals.
func (r *Ring) Current() uint32 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.current
}

// Seal encrypts one detail of somebody with the current key, whose id it returns too. The error is ErrTooLong.
func (r *Ring) Seal(person uuid.UUID, field Field, text string) (value []byte, key uint32, err error) {
	if len(text) > LongestText {
		return nil, 0, ErrTooLong
	}
	r.mu.RLock()
	key, aead := r.current, r.keys[r.current]
	r.mu.RUnlock()
	value = make([]byte, textAt, textAt+len(text)+tagSize)
	value[0] = sealedVersion
	binary.BigEndian.PutUint32(value[keyAt:], key)
	rand.Read(value[nonceAt:textAt]) // never fails: see crypto/rand
	return aead.Seal(value, value[nonceAt:textAt], []byte(text), associated(value[:nonceAt], person, field)), key, nil
}

// Open decrypts what Seal made of that detail of that person. The errors: ErrUnknownKey, and ErrDamaged for what is none, was
// changed, or was sealed for another person or field.
func (r *Ring) Open(person uuid.UUID, field Field, value []byte) (string, error) {
	key, err := KeyOf(value)
	if err != nil {
		return "", err
	}
	aead := r.key(key)
	if aead == nil && r.reload != nil {
		if err := r.reload(); err != nil {
			return "", fmt.Errorf("%w, and they could not be read again: %w", ErrUnknownKey, err)
		}
		aead = r.key(key)
	}
	if aead == nil {
		return "", ErrUnknownKey
	}
	text, err := aead.Open(nil, value[nonceAt:textAt], value[textAt:], associated(value[:nonceAt], person, field))
	if err != nil {
		return "", ErrDamaged
	}
	return string(text), nil
}

// KeyOf returns the id of the key that a value is sealed with, without opening it; ErrDamaged for what is no sealed value.
func KeyOf(value []byte) (uint32, error) {
	if len(value) < textAt+tagSize || len(value) > textAt+LongestText+tagSize || value[0] != sealedVersion {
		return 0, ErrDamaged
	}
	return binary.BigEndian.Uint32(value[keyAt:nonceAt]), nil
}

func (r *Ring) key(id uint32) cipher.AEAD {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[id]
}

// associated is what a value is bound to. Before the field everything is of a fixed length: no two are written alike.
func associated(head []byte, person uuid.UUID, field Field) []byte {
	data := append([]byte(sealedContext), head...)
	data = append(data, person[:]...)
	return append(data, field...)
}
