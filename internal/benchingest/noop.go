package benchingest

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// ServeNoop answers posts of scans until ctx ends: it parses the body, and answers each scan with its id.
func ServeNoop(ctx context.Context, listener net.Listener) error {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.POST("/api/v1/scans", func(c *gin.Context) {
		var batch struct {
			Scans []struct {
				ID    string `json:"id"`
				Token string `json:"token"`
				Kind  string `json:"kind"`
				At    *int64 `json:"at"`
			} `json:"scans"`
		}
		if err := c.ShouldBindJSON(&batch); err != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		type result struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		}
		results := make([]result, len(batch.Scans))
		for i, s := range batch.Scans {
			results[i] = result{ID: s.ID, Status: "accepted"}
		}
		c.JSON(http.StatusOK, gin.H{"results": results})
	})
	server := &http.Server{Handler: engine, ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	err := server.Serve(listener)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
