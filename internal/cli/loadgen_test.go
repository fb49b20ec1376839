package cli

import "testing"

// TestLoadStaysAtHome sees that a server on another machine is loaded only by whoever says that it is theirs.
func TestLoadStaysAtHome(t *testing.T) {
	for text, want := range map[string]struct{ unasked, asked bool }{
		"http://127.0.0.1:8080":             {true, true},
		"http://127.7.7.7":                  {true, true},
		"http://[::1]:8080":                 {true, true},
		"https://localhost:8443":            {true, true},
		"http://10.0.0.7:8080":              {false, true},
		"http://0.0.0.0:8080":               {false, true},
		"https://c.example.vn":              {false, true},
		"http://localhost.example.vn":       {false, true},
		"http://127.0.0.1.example.vn:8080":  {false, true},
		"http://127.0.0.1:8080@example.vn/": {false, true},
		"ftp://127.0.0.1":                   {false, false},
		"127.0.0.1:8080":                    {false, false},
		"":                                  {false, false},
	} {
		if _, err := loadTarget(text, false); (err == nil) != want.unasked {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := loadTarget(text, true); (err == nil) != want.asked {
			t.Errorf("%q, by its owner: %v", text, err)
		}
	}
}
