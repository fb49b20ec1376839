package vault

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Field is one kind of detail. The words are stored, and bound into what is sealed: they never change.
type Field string

// The fields.
const (
	Name      Field = "name"
	Phone     Field = "phone"       // digits, as dialled inside the country
	IDCard    Field = "id_card"     // 12 digits
	OldIDCard Field = "old_id_card" // of the card before, 9 digits
	Address   Field = "address"
	Ward      Field = "ward" // the code of the ward that the person named
	BirthYear Field = "birth_year"
	Dependant Field = "dependant" // which of those under one phone somebody is, from 1
)

// Fields returns all fields but those of declarations, in the order in which they are shown.
func Fields() []Field {
	return []Field{Name, Phone, BirthYear, Address, Ward, IDCard, OldIDCard, Dependant}
}

// declaration begins the fields of what somebody declared. Each is of one local day and one form, and is kept as long as scans.
const declaration = "declaration/"

// DeclarationField returns the field of what somebody declares with a form on a local day, 2006-01-02.
func DeclarationField(day, form string) Field { return Field(declaration + day + "/" + form) }

// Declaration returns the local day and the form of a field of DeclarationField, and whether it is one.
func (f Field) Declaration() (day, form string, is bool) {
	text, is := strings.CutPrefix(string(f), declaration)
	if !is {
		return "", "", false
	}
	return strings.Cut(text, "/")
}

// Details are what is known of somebody. A declaration that cannot be opened is among them without a text, for it must not keep from
// what else there is, such as the phone, or the declarations of other days. However they are printed or logged, none of it is to be seen.
type Details map[Field]string

// hidden stands for details in every text.
const hidden = "details"

// Format implements fmt.Formatter for every verb.
func (Details) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) } // fmt looks at no error

// LogValue keeps them out of what slog writes.
func (Details) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON keeps them out of JSON: who may answer with them names the fields one by one.
func (Details) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
