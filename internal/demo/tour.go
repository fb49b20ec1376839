package demo

import (
	"slices"

	"github.com/google/uuid"
)

// Tour names the things that a guided tour goes to.
type Tour struct {
	Market   uuid.UUID // a market with rows of stalls, for its owner
	Stall    uuid.UUID // one of its rows, for a citizen's check-in
	Hospital uuid.UUID // a place with a gate
	Ward     string    // the code of the ward where Market is

	// Somebody who met a case, is not isolated, and may turn out to be the next one: their phone number, and a local day
	// of onset and one of the sample (2006-01-02) with which a trace finds people.
	Phone  string
	Onset  string
	Sample string
}

// showWay fills in the tour: of the contacts of the newest cases, it takes one who has met several people since yesterday
// but one.
func (o *outbreak) showWay() error {
	market := o.t.markets[0]
	o.d.Tour = Tour{
		Market: o.d.Places[market].ID, Stall: o.d.Places[o.t.spots[market].parts[0]].ID,
		Hospital: o.d.Places[o.t.hospital].ID, Ward: o.d.Places[market].Area,
	}
	const enough, tries = 8, 60
	best, most := illness{person: -1}, -1
	tried := 0
	for i := range slices.Backward(o.ill) {
		report, err := o.contacts(&o.ill[i])
		if err != nil {
			return err
		}
		for _, contact := range report.Contacts {
			c := illness{person: o.number[contact.Person], sample: scanDays - 1, onset: scanDays - 2, isolated: o.cal.start[scanDays]}
			if o.history.isolated[c.person] <= o.cal.now || !o.fits(&c) {
				continue
			}
			met, err := o.contacts(&c)
			if err != nil {
				return err
			}
			if n := len(met.Contacts); n > most {
				best, most = c, n
			}
			if tried++; most >= enough || tried == tries {
				o.follow(&best)
				return nil
			}
		}
	}
	if best.person < 0 { // nobody who met a case is at large: anybody will do
		best = illness{sample: scanDays - 1, onset: scanDays - 2}
		for best.person = 0; int(best.person) < len(o.people)-1 && !o.fits(&best); {
			best.person++
		}
	}
	o.follow(&best)
	return nil
}

func (o *outbreak) follow(c *illness) {
	o.d.Tour.Phone = o.d.People[c.person].Phone
	o.d.Tour.Onset, o.d.Tour.Sample = o.cal.date[c.onset].String(), o.cal.date[c.sample].String()
}
