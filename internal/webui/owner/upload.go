package owner

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// maxUpload bounds what a form with a file may send, in bytes: a logo, or a list of as many places as may be printed.
const maxUpload = poster.MaxLogoBytes + 64<<10

// uploadOf reads the fields that a form sent, and one file of it; nil where none was chosen.
func uploadOf(c *gin.Context, field string) (form url.Values, content []byte, err error) {
	if err := c.Request.ParseMultipartForm(maxUpload); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return nil, nil, page.FormFault(err)
	}
	file, _, err := c.Request.FormFile(field)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return c.Request.PostForm, nil, nil
	}
	if err != nil {
		return nil, nil, page.ErrForm
	}
	defer file.Close()
	if content, err = io.ReadAll(file); err != nil {
		return nil, nil, fmt.Errorf("reading a file that was sent: %w", err)
	}
	return c.Request.PostForm, content, nil
}
