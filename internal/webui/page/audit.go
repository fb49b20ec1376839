package page

import (
	"log/slog"

	"github.com/gin-gonic/gin"
)

// Record writes an audit entry of what was already done. That it could not be written is a fault to be looked at, but
// undoes nothing.
func (s *Site) Record(c *gin.Context, who, action, subject, detail string) {
	if err := s.Ledger.Append(c.Request.Context(), who, action, subject, detail); err != nil {
		s.Logger.ErrorContext(c, "audit entry lost", slog.String("action", action), slog.Any("error", err))
	}
}
