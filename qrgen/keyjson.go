package qrgen

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The "format" of the two JSON forms of a key set. They differ so that a private
// file served by mistake is refused by every gate that fetches it.
const (
	publicFormat  = "truyvet-keys/1"
	privateFormat = "truyvet-private-keys/1"
)

// keyDocument is the JSON form of a key set. Keys are in the order of their ids.
type keyDocument struct {
	Format    string    `json:"format"`
	Algorithm string    `json:"algorithm"`
	Context   string    `json:"context"`
	Keys      []keyJSON `json:"keys"`
}

type keyJSON struct {
	ID        uint16   `json:"id"`
	State     KeyState `json:"state"`
	CreatedAt int64    `json:"created_at"`
	PublicKey []byte   `json:"public_key"`
	// PrivateKey is the seed of RFC 8032, and only there for the current key of
	// the private form.
	PrivateKey []byte `json:"private_key,omitempty"`
}

// PublicJSON returns the set's public form, which a server serves at
// /.well-known/truyvet-keys.json:
//
//	{
//	  "format": "truyvet-keys/1",
//	  "algorithm": "Ed25519",
//	  "context": "truyvet/qr/v1",
//	  "keys": [
//	    {"id": 1, "state": "retired", "created_at": 1638316800, "public_key": "…"}
//	  ]
//	}
//
// The keys are ordered by id; state is "current", "retired" or "compromised";
// created_at is in unix seconds; public_key is the 32 bytes of the key in
// standard base64. No private part is in it. The same set gives the same bytes.
func (ks *KeySet) PublicJSON() ([]byte, error) {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	return ks.document(publicFormat)
}

// ParsePublicKeys reads the public form into a set that verifies but cannot sign
// or be changed. Members that it does not know are skipped; anything that makes
// a key doubtful (a wrong size, a repeated id, an unknown state, two current
// keys, a private part) refuses the whole document.
func ParsePublicKeys(data []byte) (*KeySet, error) {
	doc, err := readDocument(data)
	if err != nil {
		return nil, fmt.Errorf("reading public keys: %w", err)
	}
	if doc.Format != publicFormat {
		return nil, fmt.Errorf("reading public keys: the format is %q instead of %q", doc.Format, publicFormat)
	}
	ks, err := doc.keySet()
	if err != nil {
		return nil, fmt.Errorf("reading public keys: %w", err)
	}
	return ks, nil
}

// document renders the set; the caller holds the lock.
func (ks *KeySet) document(format string) ([]byte, error) {
	doc := keyDocument{Format: format, Algorithm: "Ed25519", Context: signingContext, Keys: []keyJSON{}}
	for _, id := range sortedIDs(ks.keys) {
		key := ks.keys[id]
		k := keyJSON{ID: id, State: key.State, CreatedAt: key.CreatedAt.Unix(), PublicKey: key.Public}
		if format == privateFormat && id == ks.current && ks.private != nil {
			k.PrivateKey = ks.private.Seed()
		}
		doc.Keys = append(doc.Keys, k)
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the key set: %w", err)
	}
	return append(data, '\n'), nil
}

func readDocument(data []byte) (keyDocument, error) {
	var doc keyDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		return doc, err
	}
	if doc.Algorithm != "Ed25519" || doc.Context != signingContext {
		return doc, fmt.Errorf("keys of algorithm %q for %q are not for codes", doc.Algorithm, doc.Context)
	}
	return doc, nil
}

func (doc keyDocument) keySet() (*KeySet, error) {
	ks := NewKeySet()
	ks.verifyOnly = doc.Format == publicFormat
	for _, k := range doc.Keys {
		if err := ks.add(k); err != nil {
			return nil, fmt.Errorf("key %d: %w", k.ID, err)
		}
	}
	return ks, nil
}

// add takes a key of a document into a set that nobody else has yet.
func (ks *KeySet) add(k keyJSON) error {
	if k.ID == 0 {
		return errors.New("ids begin at 1")
	}
	if _, ok := ks.keys[k.ID]; ok {
		return errors.New("the id is there twice")
	}
	if len(k.PublicKey) != ed25519.PublicKeySize {
		return fmt.Errorf("the public key has %d bytes instead of %d", len(k.PublicKey), ed25519.PublicKeySize)
	}
	switch k.State {
	case StateCurrent:
		if err := ks.addCurrent(k); err != nil {
			return err
		}
	case StateRetired, StateCompromised:
		if len(k.PrivateKey) != 0 {
			return fmt.Errorf("a %s key has a private part", k.State)
		}
	default:
		return fmt.Errorf("unknown state %q", k.State)
	}
	ks.keys[k.ID] = Key{ID: k.ID, State: k.State, CreatedAt: time.Unix(k.CreatedAt, 0).UTC(), Public: k.PublicKey}
	return nil
}

func (ks *KeySet) addCurrent(k keyJSON) error {
	if ks.current != 0 {
		return fmt.Errorf("key %d is current as well", ks.current)
	}
	ks.current = k.ID
	if ks.verifyOnly {
		if len(k.PrivateKey) != 0 {
			return errors.New("a private part in a public document")
		}
		return nil
	}
	if len(k.PrivateKey) != ed25519.SeedSize {
		return fmt.Errorf("the private part has %d bytes instead of %d", len(k.PrivateKey), ed25519.SeedSize)
	}
	ks.private = ed25519.NewKeyFromSeed(k.PrivateKey)
	if !bytes.Equal(ks.private.Public().(ed25519.PublicKey), k.PublicKey) {
		return errors.New("the private and the public part do not belong together")
	}
	return nil
}
