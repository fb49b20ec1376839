package tracing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Numbers are what the walk itself goes by. Durations are in seconds.
type Numbers struct {
	MinOverlap int64 `json:"min_overlap"` // an overlap is a contact from this length on; 0: any length
	Linger     int64 `json:"linger"`      // how long a place stays infectious after the source left it
	Latency    int64 `json:"latency"`     // from a contact's exposure to being infectious
	Depth      int   `json:"depth"`       // the last generation that is listed
	Scope      Scope `json:"scope"`       // at which places people meet
	CrowdLimit int   `json:"crowd_limit"` // contacts in a larger crowd are listed and do not carry on; 0: no limit
}

// The bounds of what is taken for meant: a larger number is a slip of the keyboard or of the unit.
const (
	maxDuration int64 = 366 * 24 * 60 * 60
	maxDays           = 366
	maxDepth          = 10
)

// Validate says which number is out of its bounds.
func (n Numbers) Validate() error {
	for _, d := range []struct {
		name    string
		seconds int64
	}{{"min_overlap", n.MinOverlap}, {"linger", n.Linger}, {"latency", n.Latency}} {
		if d.seconds < 0 || d.seconds > maxDuration {
			return fmt.Errorf("%s of %d s is not between 0 and %d", d.name, d.seconds, maxDuration)
		}
	}
	if n.Depth < 1 || n.Depth > maxDepth {
		return fmt.Errorf("depth %d is not between 1 and %d", n.Depth, maxDepth)
	}
	if n.Scope > ScopeSite {
		return fmt.Errorf("scope %d is not known", n.Scope)
	}
	if n.CrowdLimit < 0 {
		return fmt.Errorf("crowd_limit %d is negative", n.CrowdLimit)
	}
	return nil
}

// Profile is the named and versioned set of numbers that turns a case into a trace. Name and Effective together are its
// version.
type Profile struct {
	Name        string `json:"name"`
	Effective   Date   `json:"effective"`    // the day it took effect
	Citation    string `json:"citation"`     // who laid it down
	BeforeOnset int    `json:"before_onset"` // days
	AfterOnset  *int   `json:"after_onset"`  // days; nil: infectious until isolation
	Numbers
}

// Validate says which field is missing or out of its bounds.
func (p Profile) Validate() error {
	switch {
	case p.Name == "":
		return errors.New("a profile needs a name")
	case p.Effective.IsZero():
		return errors.New("a profile needs the day on which it took effect")
	case p.Citation == "":
		return errors.New("a profile needs a citation")
	case p.BeforeOnset < 0 || p.BeforeOnset > maxDays:
		return fmt.Errorf("before_onset of %d days is not between 0 and %d", p.BeforeOnset, maxDays)
	case p.AfterOnset != nil && (*p.AfterOnset < 0 || *p.AfterOnset > maxDays):
		return fmt.Errorf("after_onset of %d days is not between 0 and %d", *p.AfterOnset, maxDays)
	}
	return p.Numbers.Validate()
}

// ParseProfile reads a profile from JSON: an object of the fields of [Profile] by their JSON names, days and seconds as
// whole numbers, scope as part, place or site, after_onset null or absent for "until isolation". A field that is not known
// is an error, and so is a profile that is not valid.
func ParseProfile(text []byte) (Profile, error) {
	var p Profile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Profile{}, fmt.Errorf("reading a profile: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Profile{}, errors.New("reading a profile: something follows it")
	}
	if err := p.Validate(); err != nil {
		return Profile{}, fmt.Errorf("reading a profile: %w", err)
	}
	return p, nil
}

// DefaultProfile is the name of the profile that is used when none is asked for.
const DefaultProfile = "vn-2021-12"

// Profiles returns the built-in profiles, the default one first.
func Profiles() []Profile {
	const quarter, hour = 15 * 60, 60 * 60
	fortnight := 14
	return []Profile{
		{
			Name: DefaultProfile, Effective: Date{2021, 12, 29},
			Citation:    "Ministry of Health, revision of 29 December 2021; F2 counts from the F1's own exposure as in 3638/QĐ-BYT",
			BeforeOnset: 2,
			Numbers:     Numbers{MinOverlap: quarter, Depth: 2},
		},
		{
			Name: "vn-5053", Effective: Date{2020, 12, 3},
			Citation:    "Ministry of Health, 5053/QĐ-BYT, 3 December 2020",
			BeforeOnset: 3,
			Numbers:     Numbers{Depth: 2},
		},
		{
			Name: "who", Effective: Date{2020, 12, 16},
			Citation:    "WHO contact definition, interim guidance of 16 December 2020",
			BeforeOnset: 2, AfterOnset: &fortnight,
			Numbers: Numbers{MinOverlap: quarter, Depth: 2},
		},
		{
			Name: "pc-covid-1h", Effective: Date{2021, 9, 30},
			Citation:    `the "within an hour" rule as reported of PC-Covid`,
			BeforeOnset: 2,
			Numbers:     Numbers{Linger: hour, Depth: 2},
		},
	}
}

// ProfileNamed returns the built-in profile of that name; the error names those that there are.
func ProfileNamed(name string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("profile %q is none of %s", name, strings.Join(names, ", "))
}
