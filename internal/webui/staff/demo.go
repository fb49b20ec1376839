package staff

import (
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Demo is what the home page shows of made-up data.
type Demo struct {
	Logins []DemoLogin
	Place  uuid.UUID // a place of the owner's login, whose code page is linked
	Token  string    // of a code, for a citizen's check-in
	Run    uuid.UUID // a finished trace run that the city's login may read; uuid.Nil while there is none
	Phone  string    // of somebody who may be entered as the next case; empty while there is nobody
	Onset  string    // the local day of onset to enter for them, 2006-01-02
}

// HasRun says whether there is a finished run to look at.
func (d *Demo) HasRun() bool { return d.Run != uuid.Nil }

// LoginOf returns the name of the first login of a role, empty where there is none.
func (d *Demo) LoginOf(role registry.Role) string {
	for _, l := range d.Logins {
		if l.Role == role {
			return l.Login
		}
	}
	return ""
}

// passwordOf returns the password of a login that anybody may use; empty for any other, and where there is no demonstration.
func (d *Demo) passwordOf(login string) string {
	if d == nil {
		return ""
	}
	for _, l := range d.Logins {
		if l.Login == login {
			return l.Password
		}
	}
	return ""
}

// DemoLogin is an account that anybody may use.
type DemoLogin struct {
	Login    string
	Password string
	Role     registry.Role
}
