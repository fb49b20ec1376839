package page

import (
	"bytes"
	"compress/gzip"
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
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
}

type asset struct {
	mediaType string
	content   []byte
	zipped    bool   // content is compressed by gzip
	policy    string // the content security policy, where it is one of its own
	scope     string // the addresses that it may answer for, of a service worker
}

// workerPolicy lets the gate's worker, and nothing else, compile what this server sends.
const workerPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"

// assets are the style sheet, the scripts, the icon, and the gate's decoder where it was built (`make wasm`). The name under which one is served holds a hash of its content,
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
		name, zipped := strings.CutSuffix(entry.Name(), ".gz")
		extension := path.Ext(name)
		sum := sha256.Sum256(content)
		hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
		served := asset{mediaType: assetTypes[extension], content: content, zipped: zipped}
		switch name {
		case "gate-worker.js":
			served.policy = workerPolicy
		case "visit-offline.js":
			served.scope = "/"
		}
		if !zipped && extension != ".wasm" {
			if served.content, err = zip(content); err != nil {
				return nil, fmt.Errorf("reading the assets: %w", err)
			}
			served.zipped = true
		}
		a.served[hashed], a.hashed[name] = served, hashed
	}
	return a, nil
}

// zip compresses what has no secrets.
func zip(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if _, err := w.Write(content); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return b.Bytes(), nil
}

// path returns where a file is served.
func (a *assets) path(name string) (string, error) {
	hashed, ok := a.hashed[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return "/assets/" + hashed, nil
}

// Asset returns where a style sheet, script or picture is served. An error says that there is none of that name.
func (s *Site) Asset(name string) (string, error) { return s.assets.path(name) }

// serveAsset answers GET /assets/:name.
func (s *Site) serveAsset(c *gin.Context) {
	found, ok := s.assets.served[c.Param("name")]
	if !ok {
		s.NotFound(c)
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Header("X-Content-Type-Options", "nosniff")
	if found.policy != "" {
		c.Header("Content-Security-Policy", found.policy)
	}
	if found.scope != "" {
		c.Header("Service-Worker-Allowed", found.scope)
	}
	s.send(c, found)
}

// send answers with a file.
func (s *Site) send(c *gin.Context, found asset) {
	if found.zipped {
		s.serveZipped(c, found)
		return
	}
	c.Data(http.StatusOK, found.mediaType, found.content)
}

// serveZipped answers what is kept compressed, as the browser takes it.
func (s *Site) serveZipped(c *gin.Context, found asset) {
	c.Header("Vary", "Accept-Encoding")
	if acceptsGzip(c.GetHeader("Accept-Encoding")) {
		c.Header("Content-Encoding", "gzip")
		c.Data(http.StatusOK, found.mediaType, found.content)
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(found.content))
	if err != nil {
		s.Fail(c, fmt.Errorf("unpacking an asset: %w", err))
		return
	}
	c.DataFromReader(http.StatusOK, -1, found.mediaType, plain, nil)
}

// servePlain answers the files that browsers and robots ask for by a fixed name.
func (s *Site) servePlain(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		found := s.assets.served[s.assets.hashed[name]]
		c.Header("Cache-Control", "public, max-age=86400")
		s.send(c, found)
	}
}
