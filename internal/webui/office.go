package webui

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/registry"
)

// home shows the three doors, and in a demonstration the way through each.
func (u *UI) home(c *gin.Context) { u.show(c, http.StatusOK, "home", u.Demo) }

// entriesPerPage is how much of the audit log stands on one page.
const entriesPerPage = 100

// auditPage is a page of the audit log, newest first.
type auditPage struct {
	Entries []registry.AuditEntry
	Older   int64 // the seq before which the next page begins; 0 = this is the last
	First   bool  // whether this is the first page, which says whether the chain holds
	Checked int   // how many entries were verified
	Broken  bool
}

func (u *UI) showAudit(c *gin.Context) {
	ctx := c.Request.Context()
	before, err := strconv.ParseInt(c.Query("before"), 10, 64)
	if err != nil || before < 1 {
		before = 0
	}
	page := auditPage{First: before == 0}
	entries, err := u.Audit.Entries(ctx, before, entriesPerPage+1)
	if err != nil {
		u.Fail(c, fmt.Errorf("reading the audit log: %w", err))
		return
	}
	if len(entries) > entriesPerPage {
		entries = entries[:entriesPerPage]
		page.Older = entries[entriesPerPage-1].Seq
	}
	page.Entries = entries
	if page.First {
		checked, err := u.Audit.Check(ctx)
		page.Checked = int(checked)
		if err != nil {
			u.logFault(c, fmt.Errorf("verifying the audit log: %w", err))
			page.Broken = true
		}
	}
	u.show(c, http.StatusOK, "audit", page)
}
