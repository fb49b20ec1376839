package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
)

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br": false, "deflate, gzip;q=1.0, *;q=0.5": true, "GZIP": true, "gzip;q=0": false,
		"gzip; q=0.000": false, "gzip;q=0.1": true, "x-gzip-like": false, "br, gzip": true,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q accepts gzip: %v, want %v", header, got, want)
		}
	}
}

func TestOnlyLongPagesAreCompressed(t *testing.T) {
	for _, size := range []int{0, compressFrom - 1, compressFrom, 1 << 20} {
		recorder := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(recorder)
		c.Request = httptest.NewRequest("GET", "/", nil)
		c.Request.Header.Set("Accept-Encoding", "gzip")
		page := bytes.Repeat([]byte("a"), size)
		sent, err := compress(c, page, compressFrom)
		if err != nil {
			t.Fatal(err)
		}
		if long := size >= compressFrom; (recorder.Header().Get("Content-Encoding") == "gzip") != long {
			t.Errorf("%d bytes are sent as %q", size, recorder.Header().Get("Content-Encoding"))
			continue
		} else if long {
			r, err := gzip.NewReader(bytes.NewReader(sent))
			if err != nil {
				t.Fatal(err)
			}
			if sent, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(sent, page) {
			t.Errorf("%d bytes came as %d", size, len(sent))
		}
	}
}
