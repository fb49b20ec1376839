package page

import (
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/sheet"
)

// Download writes the head of a CSV file before its first byte.
type Download struct {
	c     *gin.Context
	name  string
	begun bool
}

// NewDownload makes the file of a name that answers a request.
func NewDownload(c *gin.Context, name string) *Download { return &Download{c: c, name: name} }

// Begun says whether anything of it was sent, after which no page can be answered any more.
func (d *Download) Begun() bool { return d.begun }

// Write implements io.Writer.
func (d *Download) Write(data []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.c.Header("Content-Type", "text/csv; charset=utf-8")
		d.c.Header("Content-Disposition", `attachment; filename="`+d.name+`"`)
		d.c.Header("Cache-Control", "no-store")
		if _, err := d.c.Writer.WriteString(sheet.ByteOrderMark); err != nil {
			return 0, fmt.Errorf("sending a list: %w", err)
		}
	}
	return d.c.Writer.Write(data)
}
