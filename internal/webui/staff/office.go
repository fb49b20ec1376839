package staff

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// home shows the three doors, and in a demonstration the way through each.
func (p *Pages) home(c *gin.Context) { p.Show(c, http.StatusOK, "home", p.Demo) }
