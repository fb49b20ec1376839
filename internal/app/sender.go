package app

import (
	"context"
	"errors"

	"github.com/truyvet/truyvet/internal/citizen"
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

// noSender stands where no gateway is configured: whoever asks for a code is told that it could not be sent, and the log
// says why.
type noSender struct{}

var errNoSender = errors.New("no SMS gateway is set up: TRUYVET_SMS_WEBHOOK is empty")

func (noSender) SendCode(context.Context, string, string) error { return errNoSender }
