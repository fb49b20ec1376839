package httpapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const plainScan = `{"id":"0191f3a4-7b2c-7def-8123-456789abcdef","token":"ABC","kind":"in","how":"phone","at":1638345600,"device":7,` +
	`"voids":"0191f3a4-7b2c-7def-8123-456789abcdee"}`

// FuzzPlainBatch holds the quick reader to what encoding/json reads: it may give up on anything, and must never read
// something else.
func FuzzPlainBatch(f *testing.F) {
	for _, body := range []string{
		`{"scans":[` + plainScan + `]}`,
		" {\n\t\"scans\" : [ " + plainScan + " , {\"id\" : \"x\"} ] } \r\n",
		`{"scans":[{"at":-5},{"at":007},{"at":-0},{"at":9223372036854775808},{"device":-1},{"at":1.0},{"at":1e3},{"at":--1},{"at":1-1}]}`,
		`{"scans":[{"id":"a","id":"b"}]}`, `{"scans":[{"ID":"a"}]}`, `{"scans":[{"id":null}]}`, `{"scans":[{"id":"\u0041"}]}`,
		`{"scans":[{"id":"é"}]}`, `{"scans":[{"alias":"x"}]}`, `{"scans":[{}]}`, `{"scans":[]}`, `{"scans":null}`, `{"scans":[{}],"alias":1}`,
		`{"scans":[{}]} {}`, `{"scans":[{}],}`, `{"scans":[{},]}`, `{"scans":[{"id":"a",}]}`, `{}`, ``, `[`, `{"scans":[{"voids":"nil"}]}`,
		`{"scans":[{"voids":"{0191f3a4-7b2c-7def-8123-456789abcdee}"}]}`, `{"scans":[{"voids":"urn:uuid:0191f3a4-7b2c-7def-8123-456789abcdee"}]}`,
		`{"scans":[` + strings.Repeat(`{},`, MaxBatch) + `{}]}`, `{"scans":[` + strings.Repeat(`{},`, MaxBatch-1) + `{}]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		plain, ok := plainBatch(body)
		if !ok {
			return
		}
		want, err := decodeBatch([]byte(body))
		if err != nil {
			t.Fatalf("%q is read, and it is refused as a whole: %v", body, err)
		}
		if difference := cmp.Diff(want, plain, cmp.AllowUnexported(wireScan{}), cmpopts.EquateEmpty()); difference != "" {
			t.Fatalf("%q is read as something else: %s", body, difference)
		}
	})
}

// TestPlainBatchesAreReadQuickly says of which bodies the quick reader must not give up.
func TestPlainBatchesAreReadQuickly(t *testing.T) {
	for _, body := range []string{
		`{"scans":[` + plainScan + `]}`,
		"{\n  \"scans\": [\n    " + plainScan + ",\n    " + plainScan + "\n  ]\n}\n",
		`{"scans":[{"token":"https://c.example.vn/Q/ABC","id":"x"}]}`,
	} {
		if _, ok := plainBatch(body); !ok {
			t.Errorf("it gives up on %s", body)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	body := `{"scans":[` + strings.Repeat(plainScan+",", 99) + plainScan + `]}`
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := plainBatch(body); !ok {
				b.Fatal("it gives up")
			}
		}
	})
	b.Run("any", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeBatch([]byte(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
