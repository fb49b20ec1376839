package visitor

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// keptDays returns for how many days scans are kept.
func (p *Pages) keptDays() int { return int(p.Retention / (24 * time.Hour)) }

// noticeVersion is that of the notice, which people accept when they register. It goes up with what the notice says.
const noticeVersion = 2

// noticePage tells what is kept, for how long, and who may look.
type noticePage struct{ KeptDays, ListDays, Delay int }

func (p *Pages) showNotice(c *gin.Context) {
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	p.Show(c, http.StatusOK, "notice", noticePage{p.keptDays(), days(p.ListAge), days(p.OpenedDelay)})
}
