package tracing

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// Certainty says how well a contact is known, from best to worst; the worse of two is the larger.
type Certainty uint8

// The certainties of a contact.
const (
	Confirmed Certainty = iota // both people checked out
	Probable                   // neither end is assumed
	Possible                   // an end is assumed, or a flagged scan stands behind it
)

// String returns the certainty as it is written in lists: confirmed, probable or possible.
func (c Certainty) String() string {
	switch c {
	case Confirmed:
		return "confirmed"
	case Probable:
		return "probable"
	default:
		return "possible"
	}
}

// MarshalText writes the certainty as String does.
func (c Certainty) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (c *Certainty) UnmarshalText(text []byte) error {
	for _, certainty := range []Certainty{Confirmed, Probable, Possible} {
		if certainty.String() == string(text) {
			*c = certainty
			return nil
		}
	}
	return fmt.Errorf("certainty %q is none of confirmed, probable, possible", text)
}

// Evidence is one encounter: the contact was exposed to Source at the contact place Place during [From, To).
type Evidence struct {
	Source       uuid.UUID
	Place        Place
	From         int64
	To           int64
	SourceBasis  Basis
	ContactBasis Basis
	Certainty    Certainty
	Crowd        int  // distinct people other than the source who were there during the source's stay
	Flagged      bool // a late or otherwise flagged scan stands behind it
}

// Score weighs an encounter: overlap in seconds × weight of its certainty, damped by the crowd.
//
//	score = overlap × weight × 10 / (10 + crowd), rounded down; weight: confirmed 3, probable 2, possible 1
//
// The formula is this project's own and orders the calls that are made, no more: ten others in the room halve the chance
// that these two were near each other.
func (e Evidence) Score() int64 {
	const comfortable = 10
	weight := int64(3 - min(e.Certainty, Possible))
	return (e.To - e.From) * weight * comfortable / (comfortable + int64(e.Crowd))
}

// compare is the order of evidence: (From, To, Source, Place, SourceBasis, ContactBasis, Crowd, Flagged).
func (e Evidence) compare(f Evidence) int {
	if e.From != f.From { // as nearly always
		return cmp.Compare(e.From, f.From)
	}
	return cmp.Or(
		cmp.Compare(e.To, f.To),
		bytes.Compare(e.Source[:], f.Source[:]),
		e.Place.Compare(f.Place),
		cmp.Compare(e.SourceBasis, f.SourceBasis),
		cmp.Compare(e.ContactBasis, f.ContactBasis),
		cmp.Compare(e.Crowd, f.Crowd),
		cmp.Compare(bit(e.Flagged), bit(f.Flagged)),
	)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Contact is one listed person. Everything but Person and Generation is told by Evidence, which is every encounter of the
// hop that is the generation, in the order of (From, To, Source, Place, SourceBasis, ContactBasis, Crowd, Flagged).
type Contact struct {
	Person        uuid.UUID
	Generation    int
	FirstExposure int64     // when the first encounter began
	LastExposure  int64     // when the last encounter to end ended
	Encounters    int       // how many there are
	Overlap       int64     // seconds: the sum over the encounters
	Score         int64     // the sum over the encounters, see [Evidence.Score]
	Certainty     Certainty // the best among the encounters: one sure encounter is enough
	Evidence      []Evidence
}

// contactOf sums up evidence, which it keeps.
func contactOf(person uuid.UUID, generation int, evidence []Evidence) Contact {
	c := Contact{
		Person: person, Generation: generation, FirstExposure: evidence[0].From, LastExposure: evidence[0].To,
		Encounters: len(evidence), Certainty: Possible, Evidence: evidence,
	}
	for _, e := range evidence {
		c.LastExposure = max(c.LastExposure, e.To)
		c.Overlap += e.To - e.From
		c.Score += e.Score()
		c.Certainty = min(c.Certainty, e.Certainty)
	}
	return c
}

// Report is the result of a trace: who was reached, and how that is known. It is a function of the stays and the request
// alone. Contacts are ordered by generation, then score from high to low, then person id.
type Report struct {
	Contacts []Contact
}

// newReport puts the contacts, which it keeps, in order.
func newReport(contacts []Contact) *Report {
	slices.SortFunc(contacts, func(a, b Contact) int {
		if c := cmp.Compare(a.Generation, b.Generation); c != 0 {
			return c
		}
		if c := cmp.Compare(b.Score, a.Score); c != 0 {
			return c
		}
		return bytes.Compare(a.Person[:], b.Person[:])
	})
	return &Report{Contacts: contacts}
}

// reportFormat is the version of the JSON form.
const reportFormat = 1

// The JSON form of a report and what stands in it.
type (
	reportJSON struct {
		Format   int           `json:"format"`
		Contacts []contactJSON `json:"contacts"`
	}
	contactJSON struct {
		Person        uuid.UUID      `json:"person"`
		Generation    int            `json:"generation"`
		FirstExposure int64          `json:"first_exposure"`
		LastExposure  int64          `json:"last_exposure"`
		Encounters    int            `json:"encounters"`
		Overlap       int64          `json:"overlap"`
		Score         int64          `json:"score"`
		Certainty     Certainty      `json:"certainty"`
		Evidence      []evidenceJSON `json:"evidence"`
	}
	evidenceJSON struct {
		Source       uuid.UUID `json:"source"`
		Place        uuid.UUID `json:"place"`
		Trip         string    `json:"trip"`
		From         int64     `json:"from"`
		To           int64     `json:"to"`
		SourceBasis  Basis     `json:"source_basis"`
		ContactBasis Basis     `json:"contact_basis"`
		Certainty    Certainty `json:"certainty"`
		Crowd        int       `json:"crowd"`
		Flagged      bool      `json:"flagged"`
	}
)

// MarshalJSON writes the canonical form, in which equal reports have equal bytes: no white space, and
//
//	{"format":1,"contacts":[{"person":UUID,"generation":1,"first_exposure":SECONDS,"last_exposure":SECONDS,"encounters":1,
//	"overlap":SECONDS,"score":N,"certainty":"confirmed","evidence":[{"source":UUID,"place":UUID,"trip":UUID or "",
//	"from":SECONDS,"to":SECONDS,"source_basis":"checkout","contact_basis":"checkout","certainty":"confirmed","crowd":1,
//	"flagged":false}]}]}
//
// with contacts and evidence in the order of [Report] and [Contact].
func (r *Report) MarshalJSON() ([]byte, error) {
	form := reportJSON{Format: reportFormat, Contacts: make([]contactJSON, len(r.Contacts))}
	for i, c := range r.Contacts {
		evidence := make([]evidenceJSON, len(c.Evidence))
		for j, e := range c.Evidence {
			trip := ""
			if e.Place.Trip != uuid.Nil {
				trip = e.Place.Trip.String()
			}
			evidence[j] = evidenceJSON{
				e.Source, e.Place.ID, trip, e.From, e.To, e.SourceBasis, e.ContactBasis, e.Certainty, e.Crowd, e.Flagged,
			}
		}
		form.Contacts[i] = contactJSON{
			c.Person, c.Generation, c.FirstExposure, c.LastExposure, c.Encounters, c.Overlap, c.Score, c.Certainty, evidence,
		}
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Report) UnmarshalJSON(text []byte) error {
	var form reportJSON
	if err := json.Unmarshal(text, &form); err != nil {
		return fmt.Errorf("reading a report: %w", err)
	}
	if form.Format != reportFormat {
		return fmt.Errorf("reading a report: format %d is not known", form.Format)
	}
	contacts := make([]Contact, len(form.Contacts))
	for i, c := range form.Contacts {
		evidence := make([]Evidence, len(c.Evidence))
		for j, e := range c.Evidence {
			var trip uuid.UUID
			if e.Trip != "" {
				var err error
				if trip, err = uuid.Parse(e.Trip); err != nil {
					return fmt.Errorf("reading a report: trip of contact %d: %w", i, err)
				}
			}
			evidence[j] = Evidence{
				e.Source, Place{e.Place, trip}, e.From, e.To, e.SourceBasis, e.ContactBasis, e.Certainty, e.Crowd, e.Flagged,
			}
		}
		contacts[i] = Contact{
			c.Person, c.Generation, c.FirstExposure, c.LastExposure, c.Encounters, c.Overlap, c.Score, c.Certainty, evidence,
		}
	}
	r.Contacts = contacts
	return nil
}

// Hash returns the SHA-256 of the canonical JSON form, in hexadecimal.
func (r *Report) Hash() (string, error) {
	text, err := r.MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("hashing a report: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
