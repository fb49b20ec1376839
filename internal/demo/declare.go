package demo

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// askedForm is the form that some places of the district ask for.
const askedForm = "general"

// How likely people are to declare where they are asked to, and what.
const (
	declares  = 0.25
	feelsIll  = 0.02
	illAsCase = 0.7 // from the day of onset on
	metACase  = 0.01
)

// Declaration is what somebody declared. Person is a position in People.
type Declaration struct {
	Person int32
	declaration.Given
}

// askForDeclarations has the sites ask for a declaration that did so in 2021.
func (t *town) askForDeclarations() {
	for i := range t.places {
		switch p := &t.places[i]; p.Kind {
		case qrgen.KindHospital, qrgen.KindClinic, qrgen.KindPublicService, qrgen.KindSupermarket:
			if t.spots[i].parent < 0 {
				p.Form = askedForm
			}
		}
	}
}

// asks says whether a place, or the site that it is a part of, asks for a declaration.
func (t *town) asks(place int32) bool {
	if parent := t.spots[place].parent; parent >= 0 {
		place = parent
	}
	return t.places[place].Form != ""
}

// declare makes what people declared who checked in where they are asked to, in the order of their scans.
func (d *District) declare(t *town, cal *calendar) ([]Declaration, error) {
	offered, err := declaration.Offered(nil)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(offered, func(f declaration.Form) bool { return f.Name == askedForm })
	if n < 0 {
		return nil, fmt.Errorf("there is no form %s", askedForm)
	}
	onset := make(map[uuid.UUID]string)
	for _, c := range d.Cases {
		onset[c.Person] = c.Onset
	}
	var made []Declaration
	today, asked := 0, make(map[int32]bool) // of whom today
	dice := looseDice()
	for _, s := range d.Scans {
		for today < scanDays-1 && cal.start[today+1] <= s.At {
			today++
			clear(asked)
		}
		if s.Kind != stay.In || asked[s.Person] || !t.asks(s.Place) {
			continue
		}
		asked[s.Person] = true
		dice.set(t.seed, streamDeclaration, uint64(s.Person), uint64(today))
		if !dice.chance(declares) {
			continue
		}
		date := cal.date[today].String()
		began := onset[d.People[s.Person].ID]
		given, err := offered[n].Take(date, s.At, dice.answers(offered[n], began != "" && began <= date))
		if err != nil {
			return nil, err
		}
		made = append(made, Declaration{s.Person, given})
	}
	return made, nil
}

// answers are somebody's to the form, who may be ill.
func (d *dice) answers(f declaration.Form, ill bool) declaration.Answers {
	answers := make(declaration.Answers)
	symptoms := feelsIll
	if ill {
		symptoms = illAsCase
	}
	if d.chance(symptoms) {
		signs := []string{"fever", "cough", "throat", "fatigue"}
		shuffle(d, signs)
		answers["symptoms"] = signs[:d.between(1, 2)]
	}
	if d.chance(metACase) {
		answers["case"] = []string{"yes"}
	}
	f.Nothing(answers)
	return answers
}
