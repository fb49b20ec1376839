package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"

	"github.com/gin-gonic/gin"
)

// compressFrom is the size, in bytes, from which a page is compressed on its way. Only long lists are that large. They hold
// no secret that somebody could guess letter by letter from the size of an answer; log-in and check-in pages stay as
// they are.
const compressFrom = 64 << 10

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
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compressing a page: %w", err)
	}
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
