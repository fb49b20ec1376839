package visitor

import (
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

const (
	seenCookie = "truyvet_seen" // which code of a screen this browser opened, and when

	// seenLifetime is how long somebody may take to check in who opened the code of a screen: as long as proving a phone number
	// takes. The code itself is good for a minute and a half, and the scan is of when it was opened.
	seenLifetime = 15 * time.Minute
)

// seen is a code of a screen that a browser opened while it was good.
type seen struct {
	Text string `json:"code"`
	At   int64  `json:"at"`
}

// rememberSeen has the browser keep that it opened the code of a screen in time.
func (p *Pages) rememberSeen(c *gin.Context, w wall) error {
	if !w.Screen() || w.Seen != 0 {
		return nil
	}
	text, err := p.Seal.Close(seenCookie, uuid.Nil, seen{Text: w.Text, At: p.Clock().Unix()})
	if err != nil {
		return err
	}
	p.SetCookie(c, seenCookie, text, seenLifetime)
	return nil
}

// seenAt returns when the browser opened a code, 0 where it did not or that is too long ago.
func (p *Pages) seenAt(c *gin.Context, text string) int64 {
	var opened seen
	cookie, err := c.Cookie(seenCookie)
	if err != nil || !p.Seal.Open(seenCookie, uuid.Nil, cookie, &opened) || opened.Text != text {
		return 0
	}
	if p.Clock().Sub(time.Unix(opened.At, 0)) > seenLifetime {
		return 0
	}
	return opened.At
}
