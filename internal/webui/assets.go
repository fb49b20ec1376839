package webui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
)

//go:embed assets
var assetFiles embed.FS

// assetTypes are the media types of the files that are served.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
}

type asset struct {
	mediaType string
	content   []byte
}

// assets are the style sheet, the scripts and the icon. The name under which one is served holds a hash of its content,
// so that browsers may keep it for good. It is immutable.
type assets struct {
	served map[string]asset  // by the name with the hash
	hashed map[string]string // plain name → name with the hash
}

func readAssets() (*assets, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	a := &assets{served: make(map[string]asset), hashed: make(map[string]string)}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the assets: %w", err)
		}
		extension := path.Ext(entry.Name())
		sum := sha256.Sum256(content)
		hashed := strings.TrimSuffix(entry.Name(), extension) + "." + hex.EncodeToString(sum[:6]) + extension
		a.served[hashed] = asset{mediaType: assetTypes[extension], content: content}
		a.hashed[entry.Name()] = hashed
	}
	return a, nil
}

// path returns where a file is served.
func (a *assets) path(name string) (string, error) {
	hashed, ok := a.hashed[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return "/assets/" + hashed, nil
}

// serve answers GET /assets/:name.
func (u *UI) serveAsset(c *gin.Context) {
	found, ok := u.assets.served[c.Param("name")]
	if !ok {
		u.NotFound(c)
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, found.mediaType, found.content)
}

// servePlain answers the two files that browsers and robots ask for by a fixed name.
func (u *UI) servePlain(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		found := u.assets.served[u.assets.hashed[name]]
		c.Header("Cache-Control", "public, max-age=86400")
		c.Data(http.StatusOK, found.mediaType, found.content)
	}
}
