package citizen

import "context"

// Sender sends a one-time code to a phone. Phone has digits only, as dialled inside the country. An error holds neither
// the phone number nor the code. It is safe for concurrent use.
type Sender interface {
	SendCode(ctx context.Context, phone, code string) error
}

// shower is a Sender that sends nothing and has the code shown to whoever asked for it. That the code can reach a page
// hangs on this method alone, and no sender that sends has it.
type shower interface {
	Sender
	showCode(code string) string
}

// DemoSender is the sender of a demonstration, where nobody has a phone: the page shows the code. It proves nothing about
// who holds a number, so it has no place where scans are real.
type DemoSender struct{}

// SendCode does nothing.
func (DemoSender) SendCode(context.Context, string, string) error { return nil }

func (DemoSender) showCode(code string) string { return code }
