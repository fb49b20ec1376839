package poster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// The flags of a part of a composite glyph (OpenType specification, table glyf).
const (
	partHasWords     = 1 << 0
	partHasScale     = 1 << 3
	partHasMore      = 1 << 5
	partHasTwoScales = 1 << 6
	partHasMatrix    = 1 << 7
)

var errFont = errors.New("the font has not the tables of a TrueType font")

// fontTables are the tables of a TrueType file by their tags.
type fontTables map[string][]byte

func readTables(file []byte) (fontTables, error) {
	const header, record = 12, 16
	if len(file) < header {
		return nil, errFont
	}
	count := int(binary.BigEndian.Uint16(file[4:]))
	if len(file) < header+count*record {
		return nil, errFont
	}
	tables := make(fontTables, count)
	for i := range count {
		r := file[header+i*record:]
		offset, length := uint64(binary.BigEndian.Uint32(r[8:])), uint64(binary.BigEndian.Uint32(r[12:]))
		if offset+length > uint64(len(file)) {
			return nil, errFont
		}
		tables[string(r[:4])] = file[offset : offset+length]
	}
	return tables, nil
}

// subset returns a TrueType file with the shapes of the given glyphs alone, under their own numbers, and the tables that a
// PDF needs (ISO 32000-1, 9.9). The others are there and empty.
func (f *typeface) subset(used map[sfnt.GlyphIndex]rune) ([]byte, error) {
	tables, err := readTables(f.file)
	if err != nil {
		return nil, err
	}
	shapes, err := glyphShapes(tables)
	if err != nil {
		return nil, err
	}
	keep := map[int]bool{0: true}
	for index := range used {
		if err := keepGlyph(keep, shapes, int(index)); err != nil {
			return nil, err
		}
	}
	var glyf []byte
	loca := make([]byte, 0, 4*len(shapes)+4)
	for i, shape := range shapes {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		if keep[i] {
			glyf = append(glyf, shape...)
			glyf = append(glyf, make([]byte, -len(glyf)&3)...)
		}
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	head := slices.Clone(tables["head"])
	binary.BigEndian.PutUint16(head[50:], 1) // loca has long offsets
	out := fontTables{"glyf": glyf, "loca": loca, "head": head}
	for _, tag := range []string{"cvt ", "fpgm", "prep", "hhea", "hmtx", "maxp"} {
		if table, ok := tables[tag]; ok {
			out[tag] = table
		}
	}
	return out.file(), nil
}

// glyphShapes returns the entries of the table glyf.
func glyphShapes(tables fontTables) ([][]byte, error) {
	head, maxp, loca, glyf := tables["head"], tables["maxp"], tables["loca"], tables["glyf"]
	if len(head) < 54 || len(maxp) < 6 {
		return nil, errFont
	}
	count, long := int(binary.BigEndian.Uint16(maxp[4:])), binary.BigEndian.Uint16(head[50:]) == 1
	at := func(i int) int { return 2 * int(binary.BigEndian.Uint16(loca[2*i:])) }
	size := 2
	if long {
		at = func(i int) int { return int(binary.BigEndian.Uint32(loca[4*i:])) }
		size = 4
	}
	if len(loca) < (count+1)*size {
		return nil, errFont
	}
	shapes := make([][]byte, count)
	for i := range shapes {
		from, to := at(i), at(i+1)
		if from > to || to > len(glyf) {
			return nil, errFont
		}
		shapes[i] = glyf[from:to]
	}
	return shapes, nil
}

// keepGlyph marks a glyph and those that it is made of.
func keepGlyph(keep map[int]bool, shapes [][]byte, index int) error {
	if index >= len(shapes) {
		return fmt.Errorf("%w: there is no glyph %d", errFont, index)
	}
	if keep[index] {
		return nil
	}
	keep[index] = true
	shape := shapes[index]
	if len(shape) < 10 || int16(binary.BigEndian.Uint16(shape)) >= 0 {
		return nil // empty, or drawn by itself
	}
	for at := 10; ; {
		if len(shape) < at+4 {
			return errFont
		}
		flags := binary.BigEndian.Uint16(shape[at:])
		if err := keepGlyph(keep, shapes, int(binary.BigEndian.Uint16(shape[at+2:]))); err != nil {
			return err
		}
		if flags&partHasMore == 0 {
			return nil
		}
		at += partSize(flags)
	}
}

// partSize returns how long the entry of a part of a composite glyph is.
func partSize(flags uint16) int {
	size := 6
	if flags&partHasWords != 0 {
		size += 2
	}
	switch {
	case flags&partHasScale != 0:
		size += 2
	case flags&partHasTwoScales != 0:
		size += 4
	case flags&partHasMatrix != 0:
		size += 8
	}
	return size
}

// file writes the tables as a TrueType file.
func (t fontTables) file() []byte {
	tags := slices.Sorted(maps.Keys(t))
	power := 1
	entry := 0
	for power*2 <= len(tags) {
		power *= 2
		entry++
	}
	out := binary.BigEndian.AppendUint32(nil, 0x0001_0000)
	for _, v := range []int{len(tags), power * 16, entry, (len(tags) - power) * 16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	offset := len(out) + 16*len(tags)
	for _, tag := range tags {
		out = append(out, tag...)
		out = binary.BigEndian.AppendUint32(out, checksum(t[tag]))
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t[tag])))
		offset += (len(t[tag]) + 3) &^ 3
	}
	for _, tag := range tags {
		out = append(out, t[tag]...)
		out = append(out, make([]byte, -len(out)&3)...)
	}
	return out
}

// checksum adds the big-endian words of a table.
func checksum(table []byte) (sum uint32) {
	for len(table) >= 4 {
		sum += binary.BigEndian.Uint32(table)
		table = table[4:]
	}
	var rest [4]byte
	copy(rest[:], table)
	return sum + binary.BigEndian.Uint32(rest[:])
}
