package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// compressFrom is the size, in bytes, from which a page is compressed on its way that is not made for it (Site.ShowPacked). Only long
// lists are that large. They hold no secret that somebody could guess letter by letter from the size of an answer; forms stay as they
// are.
const compressFrom = 64 << 10

// packers are the writers that compress: one is a good deal larger than a page.
var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // there is such a level
	return w
}}

// compress returns the page as it should travel, compressed from a size on, and sets the headers that say how.
func compress(c *gin.Context, page []byte, from int) ([]byte, error) {
	if len(page) < from {
		return page, nil
	}
	c.Writer.Header().Add("Vary", "Accept-Encoding")
	if !acceptsGzip(c.GetHeader("Accept-Encoding")) {
		return page, nil
	}
	var b bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(page); err != nil {
		return nil, fmt.Errorf("compressing a page: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing a page: %w", err)
	}
	c.Header("Content-Encoding", "gzip")
	return b.Bytes(), nil
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3) as far as to say whether it names gzip and does
// not weigh it at nothing.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.ToLower(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
