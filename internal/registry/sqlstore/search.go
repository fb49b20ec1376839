package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// placeWord is a word of the name of a place.
type placeWord struct {
	word  string
	place uuid.UUID
}

var wordRows = rows{`INSERT INTO place_words (word, place) VALUES `, `(?, ?)`}

func wordValues(w *placeWord) []any { return []any{w.word, blob(w.place)} }

// wordsOf returns each word of each name once, in the order in which they are stored: many are written quicker so.
func wordsOf(places []registry.Place) (words []placeWord) {
	for i := range places {
		p := &places[i]
		for _, word := range registry.Words(p.Name) {
			words = append(words, placeWord{word, p.ID})
		}
	}
	slices.SortFunc(words, func(a, b placeWord) int {
		return cmp.Or(strings.Compare(a.word, b.word), bytes.Compare(a.place[:], b.place[:]))
	})
	return slices.Compact(words)
}

// respell replaces the words of a place that has another name now.
func respell(ctx context.Context, tx *sql.Tx, before, now registry.Place) error {
	for _, w := range wordsOf([]registry.Place{before}) {
		if _, err := tx.ExecContext(ctx, `DELETE FROM place_words WHERE word = ? AND place = ?`, w.word, blob(w.place)); err != nil {
			return err
		}
	}
	return insert(ctx, tx, wordRows, wordsOf([]registry.Place{now}), wordValues)
}

// spellAtOnce is how many names one transaction spells.
const spellAtOnce = 500

// spell writes what places are found by, for those that were there before they could be.
func (s *Store) spell(ctx context.Context) error {
	for more := true; more; {
		err := s.change(ctx, "writing what places are found by", func(tx *sql.Tx) error {
			places, err := list(ctx, tx, ask(selectPlaces+` WHERE search IS NULL LIMIT ?`, spellAtOnce), readPlace)
			if err != nil {
				return err
			}
			more = len(places) == spellAtOnce
			for _, p := range places {
				_, err := tx.ExecContext(ctx, `UPDATE places SET search = ? WHERE id = ?`, registry.SearchText(p.Name), blob(p.ID))
				if err != nil {
					return err
				}
			}
			return insert(ctx, tx, wordRows, wordsOf(places), wordValues)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// mostWords is how many words of a text are looked for, the first.
	mostWords = 20
	// fewPlaces is how many places a word may begin words of and still be what a search begins with.
	fewPlaces = 500
	// placesLookedAt is how many names a search reads in their order, where every word of it is in more places than that.
	placesLookedAt = 20_000
	// wardsLookedAt is the same where the area is asked for too, which is not in the index of the names.
	wardsLookedAt = 5_000
)

// name is a place as a search puts it in order.
type name struct {
	search string
	id     uuid.UUID
}

func (n name) compare(to name) int {
	return cmp.Or(strings.Compare(n.search, to.search), bytes.Compare(n.id[:], to.id[:]))
}

func readName(r row) (n name, err error) {
	err = r.Scan(&n.search, &n.id)
	return n, err
}

// SearchPlaces returns a page of the places that are searched for. What it costs is bounded, whatever the text: where a word is
// rare the places with that word are read, else names in their order until the page is full, at most so many. The error is
// registry.ErrNotFound where After is no place.
func (s *Store) SearchPlaces(ctx context.Context, q registry.Search) (found registry.Found, err error) {
	err = s.sight(ctx, "searching for places", func(tx *sql.Tx) error {
		found, err = s.search(ctx, tx, q)
		return err
	})
	if err != nil {
		return registry.Found{}, err
	}
	return found, nil
}

func (s *Store) search(ctx context.Context, tx *sql.Tx, q registry.Search) (found registry.Found, err error) {
	if q.Limit < 1 {
		return found, errors.New("a page has room for one place or more")
	}
	var after name
	if q.After != uuid.Nil {
		if after, err = readName(tx.QueryRowContext(ctx, `SELECT search, id FROM places WHERE id = ?`, blob(q.After))); err != nil {
			return found, err
		}
	}
	words := registry.Words(q.Text)
	words = words[:min(len(words), mostWords)]
	rare, few, err := placesOfRarest(ctx, tx, words)
	if err != nil {
		return found, err
	}
	var names []name
	if few {
		names, found.Next, err = among(ctx, tx, rare, words, after, q)
	} else {
		names, found.Next, err = s.inOrder(ctx, tx, words, after, q)
	}
	if err != nil {
		return found, err
	}
	found.Places, err = placesNamed(ctx, tx, names)
	return found, err
}

// placesOfRarest returns the places of the word that begins words of the fewest, and whether these are few.
func placesOfRarest(ctx context.Context, tx *sql.Tx, words []string) (rare []uuid.UUID, few bool, err error) {
	for _, word := range words {
		places, err := list(ctx, tx, ask(`SELECT place FROM place_words WHERE word >= ? AND word < ? LIMIT ?`,
			word, word+string(utf8.MaxRune), fewPlaces), func(r row) (id uuid.UUID, err error) {
			err = r.Scan(&id)
			return id, err
		})
		if err != nil {
			return nil, false, err
		}
		if len(places) < fewPlaces && (!few || len(places) < len(rare)) {
			rare, few = places, true
		}
	}
	return rare, few, nil
}

// among searches among given places.
func among(ctx context.Context, tx *sql.Tx, ids []uuid.UUID, words []string, after name, q registry.Search) ([]name, uuid.UUID, error) {
	var names []name
	for some := range slices.Chunk(ids, idsAtOnce) {
		// A condition on the owner would lead SQLite to read all the owner's places.
		asked := query{`SELECT search, id, organisation FROM places WHERE id IN ` + idList(len(some)), blobs(some)}
		if q.Area != "" {
			asked.text, asked.args = asked.text+` AND `+within, append(asked.args, q.Area)
		}
		err := each(ctx, tx, asked, func(r row) error {
			var n name
			var owner uuid.UUID
			err := r.Scan(&n.search, &n.id, &owner)
			if q.Organisation == uuid.Nil || q.Organisation == owner {
				names = append(names, n)
			}
			return err
		})
		if err != nil {
			return nil, uuid.Nil, err
		}
	}
	slices.SortFunc(names, name.compare)
	names = slices.Compact(names) // two words of one name may begin alike
	names = slices.DeleteFunc(names, func(n name) bool { return n.compare(after) <= 0 || !registry.Matches(n.search, words) })
	if len(names) <= q.Limit {
		return names, uuid.Nil, nil
	}
	names = names[:q.Limit]
	return names, names[len(names)-1].id, nil
}

// inOrder searches through the names in their order: the next few, and if too few of them match, as many as it may.
func (s *Store) inOrder(ctx context.Context, tx *sql.Tx, words []string, after name, q registry.Search) ([]name, uuid.UUID, error) {
	var names []name
	looked := placesLookedAt
	if q.Area != "" {
		looked = wardsLookedAt
	}
	for _, most := range []int{fewPlaces, looked} {
		var err error
		if names, err = s.matching(ctx, tx, words, namesAfter(after, q, most), q); err != nil {
			return nil, uuid.Nil, err
		}
		if len(names) > q.Limit {
			return names[:q.Limit], names[q.Limit-1].id, nil
		}
	}
	from := namesAfter(after, q, 1)
	last, err := readName(tx.QueryRowContext(ctx, from.text+` OFFSET ?`, append(from.args, looked-1)...))
	if errors.Is(err, sql.ErrNoRows) { // fewer were left than it may look at
		return names, uuid.Nil, nil
	}
	return names, last.id, err
}

// namesAfter asks for names in their order.
func namesAfter(after name, q registry.Search, most int) query {
	if q.Organisation == uuid.Nil {
		return ask(`SELECT search, id FROM places WHERE (search, id) > (?, ?) ORDER BY search, id LIMIT ?`, after.search, blob(after.id), most)
	}
	return ask(`SELECT search, id FROM places WHERE organisation = ? AND (search, id) > (?, ?) ORDER BY search, id LIMIT ?`,
		blob(q.Organisation), after.search, blob(after.id), most)
}

// matching returns the first of some names that have the words. The database compares them, so that no other goes over the line.
func (s *Store) matching(ctx context.Context, tx *sql.Tx, words []string, of query, by registry.Search) ([]name, error) {
	q := query{`SELECT search, id FROM (` + of.text + `) AS looked WHERE true`, of.args}
	if by.Area != "" {
		q.text, q.args = q.text+` AND (SELECT area FROM places WHERE places.id = looked.id) IN `+areasWithin, append(q.args, by.Area)
	}
	for _, word := range words {
		q.text += ` AND ` + s.engine.position + `(' ' || search, ?) > 0`
		q.args = append(q.args, " "+word)
	}
	q.text += ` ORDER BY search, id LIMIT ?`
	q.args = append(q.args, by.Limit+1)
	return list(ctx, tx, q, readName)
}

// placesNamed reads places, in the order given.
func placesNamed(ctx context.Context, tx *sql.Tx, names []name) ([]registry.Place, error) {
	position := make(map[uuid.UUID]int, len(names))
	ids := make([]uuid.UUID, len(names))
	for i, n := range names {
		position[n.id], ids[i] = i, n.id
	}
	places := make([]registry.Place, len(names))
	for some := range slices.Chunk(ids, idsAtOnce) {
		err := each(ctx, tx, query{selectPlaces + ` WHERE id IN ` + idList(len(some)), blobs(some)}, func(r row) error {
			p, err := readPlace(r)
			if err == nil {
				places[position[p.ID]] = p
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return places, nil
}
