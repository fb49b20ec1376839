package scanmem

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// magic begins every file; its last byte is the version of the format.
const magic = "tvindex\x01"

// kind is what a block holds.
type kind byte

// The kinds of blocks. The numbers are stored and never change.
const (
	kindHead     kind = 1
	kindPlaces   kind = 2
	kindScans    kind = 3
	kindVoids    kind = 4
	kindEnd      kind = 5
	kindManifest kind = 6
)

// A file is the magic and then blocks, in numbers of little-endian order:
//
//	length of kind and content 4 · checksum 4 (CRC-32C of the length, the kind and the content) · kind 1 · content
//
// The last block is one of kindEnd, with no content, and after it the file ends.
const (
	blockHead = 8
	maxBlock  = 1 << 20 // of kind and content
)

// The ways in which files cannot be used, or written. Compare with errors.Is.
var (
	ErrNone    = errors.New("nothing was kept")
	ErrVersion = errors.New("it is of another version, or no file of ours")
	ErrStore   = errors.New("it is of another scan store")
	ErrDamaged = errors.New("it is damaged")
	ErrHeld    = errors.New("another process keeps its index there")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of a block, of which the length and what comes after the checksum are given.
func checksum(length, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, body)
}

// blockWriter writes blocks. The first error stays.
type blockWriter struct {
	w     io.Writer
	block []byte // with its head
	rest  func() // called after each block, unless it is nil
	err   error
}

func newBlockWriter(w io.Writer) *blockWriter {
	b := &blockWriter{w: w, block: make([]byte, 0, blockHead+1)}
	_, b.err = io.WriteString(w, magic)
	return b
}

// begin begins a block.
func (b *blockWriter) begin(k kind) { b.block = append(b.block[:0], 0, 0, 0, 0, 0, 0, 0, 0, byte(k)) }

// room says whether the block has room for so many bytes more.
func (b *blockWriter) room(n int) bool { return len(b.block)+n <= blockHead+maxBlock }

// end writes the block.
func (b *blockWriter) end() {
	binary.LittleEndian.PutUint32(b.block, uint32(len(b.block)-blockHead))
	binary.LittleEndian.PutUint32(b.block[4:], checksum(b.block[:4], b.block[blockHead:]))
	if b.err == nil {
		_, b.err = b.w.Write(b.block)
	}
	if b.rest != nil {
		b.rest()
	}
}

// finish writes the last block.
func (b *blockWriter) finish() error {
	b.begin(kindEnd)
	b.end()
	return b.err
}

// blockReader reads blocks. It allocates no more than a block may take, whatever the file says.
type blockReader struct {
	r     io.Reader
	block []byte
}

// newBlockReader reads the magic.
func newBlockReader(r io.Reader) (*blockReader, error) {
	var first [len(magic)]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, cut(err)
	}
	if string(first[:]) != magic {
		return nil, ErrVersion
	}
	return &blockReader{r: r}, nil
}

// cut is the error of a read that should have found something.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends early")
	}
	return err
}

// next returns the kind and the content of the next block, which are good until the one after it is read.
func (b *blockReader) next() (kind, []byte, error) {
	var head [blockHead]byte
	if _, err := io.ReadFull(b.r, head[:]); err != nil {
		return 0, nil, cut(err)
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length < 1 || length > maxBlock {
		return 0, nil, damaged("a block of %d bytes", length)
	}
	b.block = slices.Grow(b.block[:0], int(length))
	body := b.block[:length]
	if _, err := io.ReadFull(b.r, body); err != nil {
		return 0, nil, cut(err)
	}
	if checksum(head[:4], body) != binary.LittleEndian.Uint32(head[4:]) {
		return 0, nil, damaged("a checksum is wrong")
	}
	if k := kind(body[0]); k != kindEnd {
		return k, body[1:], nil
	}
	if n, err := io.ReadFull(b.r, head[:1]); n > 0 || len(body) > 1 {
		return 0, nil, damaged("something stands behind its end")
	} else if !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	return kindEnd, nil, nil
}
