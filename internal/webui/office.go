package webui

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// home shows the three doors, and in a demonstration the way through each.
func (u *UI) home(c *gin.Context) { u.show(c, http.StatusOK, "home", u.Demo) }
