package scanmem

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// manifest says which files belong together: one block, of the store's id, a count and that many shards with their seq, and
// a count and that many days with the generation of their file.
type manifest struct {
	store     uuid.UUID
	watermark scanlog.Watermark
	days      map[scan.Day]uint64
}

// manifestEntry is the size of a shard or a day.
const manifestEntry = 4 + 8

func (m *manifest) write(w io.Writer) error {
	b := newBlockWriter(w)
	b.begin(kindManifest)
	b.block = append(b.block, m.store[:]...)
	b.block = putEntries(b.block, m.watermark)
	b.block = putEntries(b.block, m.days)
	if !b.room(0) {
		return damaged("%d shards and %d days do not fit into a manifest", len(m.watermark), len(m.days))
	}
	b.end()
	return b.finish()
}

func putEntries[K scan.Day | uint32](b []byte, entries map[K]uint64) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entries)))
	for _, k := range slices.Sorted(maps.Keys(entries)) {
		b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(b, uint32(k)), entries[k])
	}
	return b
}

func readManifest(r io.Reader) (manifest, error) {
	b, err := newBlockReader(r)
	if err != nil {
		return manifest{}, err
	}
	k, body, err := b.next()
	if err != nil {
		return manifest{}, err
	}
	if k != kindManifest || len(body) < 16 {
		return manifest{}, damaged("a manifest of %d bytes in a block of kind %d", len(body), k)
	}
	m := manifest{store: uuid.UUID(body), watermark: make(scanlog.Watermark), days: make(map[scan.Day]uint64)}
	if body, err = readEntries(body[16:], m.watermark); err == nil {
		body, err = readEntries(body, m.days)
	}
	if err != nil {
		return manifest{}, err
	}
	if len(body) > 0 {
		return manifest{}, damaged("%d bytes too many in the manifest", len(body))
	}
	if k, _, err := b.next(); err != nil {
		return manifest{}, err
	} else if k != kindEnd {
		return manifest{}, damaged("a block of kind %d in the manifest", k)
	}
	return m, nil
}

// readEntries reads a count and so many entries, and returns what stands behind them.
func readEntries[K scan.Day | uint32](b []byte, into map[K]uint64) ([]byte, error) {
	if len(b) < 4 {
		return nil, damaged("no count in the manifest")
	}
	n := int(binary.LittleEndian.Uint32(b))
	if b = b[4:]; len(b)/manifestEntry < n {
		return nil, damaged("%d entries in %d bytes of a manifest", n, len(b))
	}
	for range n {
		into[K(binary.LittleEndian.Uint32(b))] = binary.LittleEndian.Uint64(b[4:])
		b = b[manifestEntry:]
	}
	return b, nil
}
