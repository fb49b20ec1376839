package app

import (
	"context"
	"time"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/smshook"
)

// sender returns what one-time codes are sent with. Only a demo shows them on the page.
func (p *Parts) sender() citizen.Sender {
	switch {
	case p.Config.Demo:
		return citizen.DemoSender{}
	case p.Config.SMSWebhook != "":
		return smshook.New(p.Config.SMSWebhook)
	default:
		return noSender{}
	}
}

// noSender stands where no gateway is configured.
type noSender struct{}

var errNoSender = errs.Busy("code_sender_missing", "One-time codes cannot be sent from here yet. Ask at the gate to be checked in.", time.Minute)

func (noSender) SendCode(context.Context, string, string) error { return errNoSender }
