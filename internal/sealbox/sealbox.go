// Package sealbox seals what a gate without a network keeps for the server: anybody who has the public key can close a box, and
// nobody but the server can open one. A box is bound to the scan that it belongs to.
package sealbox

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// KeySize is the length of a key, private or public, in bytes.
const KeySize = 32

// The bytes of a box: version 1, the id of the key (big-endian), and what HPKE makes of the padded text in its base mode (RFC
// 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM: the encapsulated key and the ciphertext. The info is
//
//	"truyvet/gate/v1" ‖ version ‖ key id ‖ place ‖ scan
//
// so that a box opens for the place and the scan that it was closed for alone. The text stands after its length (two bytes,
// big-endian) and before zeros up to a multiple of padTo, so that its length does not tell a short name from a long one.
const (
	version    = 1
	headSize   = 5
	overhead   = KeySize + 16
	context    = "truyvet/gate/v1"
	padTo      = 128
	lengthSize = 2
)

// LongestText is how many bytes a text may have.
const LongestText = 1024 - lengthSize

// LongestBox is how many bytes a box has at most.
const LongestBox = headSize + overhead + 1024

// The errors of boxes. Compare with errors.Is. None of them holds a part of a text.
var (
	ErrDamaged    = errors.New("the box is damaged, or was closed for another scan")
	ErrUnknownKey = errors.New("the box was closed with a key that is not known here")
	ErrTooLong    = errors.New("the text is too long for a box")
)

// Bound is what a box belongs to.
type Bound struct {
	Place uuid.UUID // of the gate
	Scan  uuid.UUID
}

// info is what everything about a box is bound to.
func (b Bound) info(head []byte) []byte {
	return slices.Concat([]byte(context), head, b.Place[:], b.Scan[:])
}

// Public is the key that boxes are closed with. It is safe for concurrent use.
type Public struct {
	id  uint32
	key hpke.PublicKey
}

// Seal closes a box around a text. The error is ErrTooLong.
func (p Public) Seal(bound Bound, text string) ([]byte, error) {
	if len(text) > LongestText {
		return nil, ErrTooLong
	}
	size := (lengthSize + len(text) + padTo - 1) / padTo * padTo
	padded := append(binary.BigEndian.AppendUint16(make([]byte, 0, size), uint16(len(text))), text...)
	head := binary.BigEndian.AppendUint32([]byte{version}, p.id)
	sealed, err := hpke.Seal(p.key, hpke.HKDFSHA256(), hpke.AES256GCM(), bound.info(head), padded[:size])
	if err != nil {
		return nil, fmt.Errorf("closing a box: %w", err)
	}
	return append(head, sealed...), nil
}

// Key is a private key. Ids begin at 1 and are never given out twice: each box names the key that it was closed with.
type Key struct {
	ID  uint32
	Key []byte // of X25519
}

// Ring is the private keys: boxes are to be closed with the last one, and the older ones still open. It is safe for concurrent
// use.
type Ring struct {
	mu     sync.RWMutex
	keys   map[uint32]hpke.PrivateKey
	public []byte // what PublicJSON returns
}

// NewRing returns a ring of keys, of which the last is the current one.
func NewRing(keys []Key) (*Ring, error) {
	r := new(Ring)
	return r, r.Replace(keys)
}

// Replace makes the ring hold these keys, the last of them as the current one. On an error it stays as it was.
func (r *Ring) Replace(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("there is no key to open boxes with")
	}
	ring := make(map[uint32]hpke.PrivateKey, len(keys))
	for _, key := range keys {
		if key.ID == 0 || ring[key.ID] != nil {
			return fmt.Errorf("the box key %d has no id of its own", key.ID)
		}
		private, err := ecdh.X25519().NewPrivateKey(key.Key)
		if err != nil {
			return fmt.Errorf("taking the box key %d: %w", key.ID, err)
		}
		if ring[key.ID], err = hpke.NewDHKEMPrivateKey(private); err != nil {
			return fmt.Errorf("taking the box key %d: %w", key.ID, err)
		}
	}
	current := keys[len(keys)-1].ID
	public, err := json.Marshal(document{Format: format, ID: current, PublicKey: ring[current].PublicKey().Bytes()})
	if err != nil {
		return fmt.Errorf("writing the public box key: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.public = ring, append(public, '\n')
	return nil
}

// Open returns the text of a box that was closed for that scan. The errors: ErrUnknownKey, and ErrDamaged for what is no box, was
// changed, or was closed for another scan.
func (r *Ring) Open(bound Bound, box []byte) (string, error) {
	if len(box) < headSize+overhead+padTo || len(box) > LongestBox || box[0] != version {
		return "", ErrDamaged
	}
	r.mu.RLock()
	key := r.keys[binary.BigEndian.Uint32(box[1:headSize])]
	r.mu.RUnlock()
	if key == nil {
		return "", ErrUnknownKey
	}
	padded, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), bound.info(box[:headSize]), box[headSize:])
	if err != nil {
		return "", ErrDamaged
	}
	length := lengthSize + int(binary.BigEndian.Uint16(padded))
	if length > len(padded) {
		return "", ErrDamaged
	}
	return string(padded[lengthSize:length]), nil
}

// format tells the public document from every other.
const format = "truyvet-box-key/1"

// document is the public form of the current key.
type document struct {
	Format    string `json:"format"`
	ID        uint32 `json:"id"`
	PublicKey []byte `json:"public_key"`
}

// PublicJSON returns the public form of the current key, which a server serves at /.well-known/truyvet-box-key.json:
//
//	{"format": "truyvet-box-key/1", "id": 1, "public_key": "…"}
//
// where public_key is the 32 bytes of the X25519 key in standard base64.
func (r *Ring) PublicJSON() []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.public
}

// ParsePublic reads what PublicJSON returns.
func ParsePublic(data []byte) (Public, error) {
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return Public{}, fmt.Errorf("reading the public box key: %w", err)
	}
	if doc.Format != format || doc.ID == 0 {
		return Public{}, fmt.Errorf("reading the public box key: its format is %q instead of %q, or it has no id", doc.Format, format)
	}
	key, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(doc.PublicKey)
	if err != nil {
		return Public{}, fmt.Errorf("reading the public box key: %w", err)
	}
	return Public{id: doc.ID, key: key}, nil
}
