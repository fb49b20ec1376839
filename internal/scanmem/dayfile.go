package scanmem

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// A day's file holds, in blocks: the head; the places, each by its id and trip, that records name by their order here; the
// records, in groups of an alias, a count and that many records, oldest first; the voids, each with its alias.
const (
	headSize   = 16 + 8 + 4 + 3*4
	placeSize  = 16 + 16
	storedSize = 16 + 4 + 4 + 4 // of a record
	groupHead  = 16 + 2
	maxGroup   = 1 << 10 // records
	storedVoid = 3*16 + 4 + 4
)

// head says what a day's file is.
type head struct {
	store      uuid.UUID
	generation uint64 // a random number, by which the manifest knows the file
	day        scan.Day
	places     uint32
	records    uint32
	voids      uint32
}

func (h *head) put(b []byte) []byte {
	b = append(b, h.store[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.generation)
	for _, n := range []uint32{uint32(h.day), h.places, h.records, h.voids} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func readHead(b []byte) (h head, err error) {
	if len(b) != headSize {
		return h, damaged("a head of %d bytes", len(b))
	}
	h.store = uuid.UUID(b)
	h.generation = binary.LittleEndian.Uint64(b[16:])
	h.day = scan.Day(int32(binary.LittleEndian.Uint32(b[24:])))
	for i, n := range []*uint32{&h.places, &h.records, &h.voids} {
		*n = binary.LittleEndian.Uint32(b[28+4*i:])
	}
	return h, nil
}

// Copy is a day as it was at a moment. Rest, unless it is nil, is called again and again while it is written, after a megabyte at
// most, and may take its time.
type Copy struct {
	Day     scan.Day
	Rest    func()
	change  uint64
	aliases []uuid.UUID
	places  []tracing.Place
	chunks  [][]record
	records uint32
	last    []uint32
	voids   map[uint32][]void
}

// Copy returns a day as it is now, and whether there is such a day. It costs 4 B for each alias: what the copy shares with the
// day never changes.
func (s *Scans) Copy(of scan.Day) (*Copy, bool) {
	i, there := s.find(of)
	if !there {
		return nil, false
	}
	d := s.days[i]
	c := &Copy{
		Day: of, change: d.change, aliases: s.aliases, places: s.places.Places(), chunks: d.chunks[:len(d.chunks):len(d.chunks)],
		records: d.records, last: append([]uint32(nil), d.last...), voids: make(map[uint32][]void, len(d.voids)),
	}
	for alias, voids := range d.voids {
		c.voids[alias] = voids[:len(voids):len(voids)]
	}
	return c, true
}

// write writes the file of a day.
func (c *Copy) write(w io.Writer, store uuid.UUID, generation uint64) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	b := newBlockWriter(buffered)
	b.rest = c.Rest
	number, places := c.used()
	h := head{store: store, generation: generation, day: c.Day, places: uint32(len(places)), records: c.records}
	for _, voids := range c.voids {
		h.voids += uint32(len(voids))
	}
	b.begin(kindHead)
	b.block = h.put(b.block)
	b.end()
	b.begin(kindPlaces)
	for _, p := range places {
		b.need(placeSize, kindPlaces)
		b.block = append(append(b.block, p.ID[:]...), p.Trip[:]...)
	}
	b.end()
	c.writeRecords(b, number)
	b.begin(kindVoids)
	for alias, voids := range c.voids {
		for _, v := range voids {
			b.need(storedVoid, kindVoids)
			b.block = append(append(append(b.block, c.aliases[alias][:]...), v.id[:]...), v.voids[:]...)
			b.block = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b.block, v.at), v.received)
		}
	}
	b.end()
	if err := b.finish(); err != nil {
		return err
	}
	return buffered.Flush()
}

// need ends a block that has no room for so many bytes more, and begins another.
func (b *blockWriter) need(n int, k kind) {
	if !b.room(n) {
		b.end()
		b.begin(k)
	}
}

// used returns the places of the day, and their order among these by number.
func (c *Copy) used() (number []uint32, places []tracing.Place) {
	const none = math.MaxUint32
	number = make([]uint32, len(c.places))
	for i := range number {
		number[i] = none
	}
	for i := range c.records {
		place := c.chunks[i/chunkSize][i%chunkSize].place
		if number[place] == none {
			number[place] = uint32(len(places))
			places = append(places, c.places[place])
		}
	}
	return number, places
}

func (c *Copy) writeRecords(b *blockWriter, place []uint32) {
	var own []*record
	b.begin(kindScans)
	for alias, at := range c.last {
		own = own[:0]
		for ; at != 0; at = own[len(own)-1].earlier {
			own = append(own, &c.chunks[(at-1)/chunkSize][(at-1)%chunkSize])
		}
		for len(own) > 0 {
			n := min(len(own), maxGroup)
			b.need(groupHead+n*storedSize, kindScans)
			b.block = append(b.block, c.aliases[alias][:]...)
			b.block = binary.LittleEndian.AppendUint16(b.block, uint16(n))
			for range n {
				r := own[len(own)-1]
				own = own[:len(own)-1]
				b.block = append(b.block, r.id[:]...)
				for _, n := range []uint32{r.what, r.received, place[r.place]} {
					b.block = binary.LittleEndian.AppendUint32(b.block, n)
				}
			}
		}
	}
	b.end()
}

// dayReader reads the file of a day into scans.
type dayReader struct {
	scans  *Scans
	head   head
	day    *day
	places []uint32 // the numbers of those of the file
	voids  uint32
}

// readDay adds a day's file to scans, which may hold a part of it after an error, and returns its head.
func (s *Scans) readDay(r io.Reader) (head, error) {
	b, err := newBlockReader(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return head{}, err
	}
	k, body, err := b.next()
	if err != nil {
		return head{}, err
	}
	if k != kindHead {
		return head{}, damaged("it begins with a block of kind %d", k)
	}
	d := dayReader{scans: s}
	if d.head, err = readHead(body); err != nil {
		return head{}, err
	}
	d.day = s.day(d.head.day)
	if d.day.records > 0 || d.day.voidCount > 0 {
		return head{}, damaged("it is a day that was there before")
	}
	for {
		k, body, err := b.next()
		if err == nil && k != kindEnd {
			err = d.block(k, body)
		}
		if err != nil {
			return head{}, err
		}
		if k == kindEnd {
			break
		}
	}
	if d.day.records != d.head.records || uint32(len(d.places)) != d.head.places || d.voids != d.head.voids {
		return head{}, damaged("it does not hold as much as it says")
	}
	s.touch(d.day)
	return d.head, nil
}

func (d *dayReader) block(k kind, b []byte) error {
	switch k {
	case kindPlaces:
		return d.readPlaces(b)
	case kindScans:
		for len(b) > 0 {
			var err error
			if b, err = d.readGroup(b); err != nil {
				return err
			}
		}
		return nil
	case kindVoids:
		return d.readVoids(b)
	default:
		return damaged("a block of kind %d", k)
	}
}

func (d *dayReader) readPlaces(b []byte) error {
	if len(b)%placeSize != 0 {
		return damaged("places of %d bytes", len(b))
	}
	for ; len(b) > 0; b = b[placeSize:] {
		d.places = append(d.places, d.scans.places.Place(tracing.Place{ID: uuid.UUID(b), Trip: uuid.UUID(b[16:])}))
	}
	return nil
}

// readGroup reads one group and returns what stands behind it.
func (d *dayReader) readGroup(b []byte) ([]byte, error) {
	if len(b) < groupHead {
		return nil, damaged("scans of %d bytes", len(b))
	}
	alias := d.scans.Alias(uuid.UUID(b))
	n := int(binary.LittleEndian.Uint16(b[16:]))
	if b = b[groupHead:]; n == 0 || len(b) < n*storedSize {
		return nil, damaged("%d scans in %d bytes", n, len(b))
	}
	for range n {
		r := record{
			id: uuid.UUID(b), what: binary.LittleEndian.Uint32(b[16:]), received: binary.LittleEndian.Uint32(b[20:]),
			place: binary.LittleEndian.Uint32(b[24:]),
		}
		if r.kind() < stay.In || r.kind() > stay.Renew || r.what>>8 >= scan.SecondsPerDay || int(r.place) >= len(d.places) {
			return nil, damaged("a scan that cannot be")
		}
		r.place = d.places[r.place]
		d.day.push(alias, r)
		b = b[storedSize:]
	}
	return b, nil
}

func (d *dayReader) readVoids(b []byte) error {
	if len(b)%storedVoid != 0 {
		return damaged("voids of %d bytes", len(b))
	}
	for ; len(b) > 0; b = b[storedVoid:] {
		v := void{
			id: uuid.UUID(b[16:]), voids: uuid.UUID(b[32:]),
			at: binary.LittleEndian.Uint32(b[48:]), received: binary.LittleEndian.Uint32(b[52:]),
		}
		if scan.DayOf(int64(v.at)) != d.head.day {
			return damaged("a void of another day")
		}
		d.voids++
		d.day.addVoid(d.scans.Alias(uuid.UUID(b)), v)
	}
	return nil
}
