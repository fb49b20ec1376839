package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
)

// TestZippedAsset serves what is kept compressed to who takes it so, and to who does not.
func TestZippedAsset(t *testing.T) {
	plain := bytes.Repeat([]byte("\x00asm"), 1000)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := &Site{assets: &assets{served: map[string]asset{"gate.1.wasm": {mediaType: assetTypes[".wasm"], content: zipped.Bytes(), zipped: true}}}}
	engine := gin.New()
	engine.GET("/assets/:name", s.serveAsset)
	for accepted, coding := range map[string]string{"gzip, br": "gzip", "": "", "gzip;q=0": ""} {
		request := httptest.NewRequest(http.MethodGet, "/assets/gate.1.wasm", nil)
		request.Header.Set("Accept-Encoding", accepted)
		answer := httptest.NewRecorder()
		engine.ServeHTTP(answer, request)
		body := io.Reader(answer.Body)
		if coding == "gzip" {
			var err error
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(got, plain) || answer.Header().Get("Content-Encoding") != coding ||
			answer.Header().Get("Content-Type") != "application/wasm" || answer.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("who accepts %q gets %d bytes as %v, %v", accepted, len(got), answer.Header(), err)
		}
	}
}

// TestOnlyTheGatesWorkerCompiles holds the one exception of the content security policy to the one script that needs it.
func TestOnlyTheGatesWorkerCompiles(t *testing.T) {
	a, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	for name, hashed := range a.hashed {
		if got := a.served[hashed].policy; (got != "") != (name == "gate-worker.js") {
			t.Errorf("%s has the policy %q", name, got)
		}
		if a.served[hashed].mediaType == "" {
			t.Errorf("%s is of no type", name)
		}
	}
}
