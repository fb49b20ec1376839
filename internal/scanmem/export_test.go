package scanmem

import (
	"bytes"
	"encoding/binary"
	"io"
)

// ReadDay reads the file of a day.
func (s *Scans) ReadDay(r io.Reader) error {
	_, err := s.readDay(r)
	return err
}

// ReadManifest reads a manifest.
func ReadManifest(r io.Reader) error {
	_, err := readManifest(r)
	return err
}

// Mend returns a file with right checksums, as far as its blocks go.
func Mend(file []byte) []byte {
	file = bytes.Clone(file)
	for at := len(magic); at+blockHead <= len(file); {
		block := file[at:]
		length := int(binary.LittleEndian.Uint32(block))
		if length > len(block)-blockHead {
			break
		}
		binary.LittleEndian.PutUint32(block[4:], checksum(block[:4], block[blockHead:blockHead+length]))
		at += blockHead + length
	}
	return file
}
