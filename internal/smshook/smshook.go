// Package smshook sends one-time codes through an operator's own SMS gateway, by an HTTP call.
package smshook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// timeout bounds one call: a citizen stands at a door and waits for it.
const timeout = 10 * time.Second

// maxDrained is how much of an answer is read, so that the connection can be used again.
const maxDrained = 4 << 10

// Sender posts {"code": "123456", "phone": "0912345678"} as application/json to a URL. The gateway answers 2xx once it has
// taken the message; anything else is an error, a redirection too: phone and code go to nobody else. Errors hold neither the
// phone number, nor the code, nor more of the URL than its host: the rest may hold a secret. It is safe for concurrent use.
type Sender struct {
	url    string
	client *http.Client
}

// New returns a sender to an http or https URL.
func New(url string) *Sender {
	return &Sender{url: url, client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var (
	errURL    = errors.New("the SMS gateway's URL is not one")
	errAnswer = errors.New("calling the SMS gateway: no HTTP answer came of it")
)

// SendCode has the gateway send the code. It takes ten seconds at the most.
func (s *Sender) SendCode(ctx context.Context, phone, code string) error {
	body, err := json.Marshal(map[string]string{"phone": phone, "code": code})
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return errURL // the cause quotes it
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if call := new(url.Error); errors.As(err, &call) {
		err = call.Err // without the URL
	}
	if err != nil {
		if !tellable(err) {
			return errAnswer
		}
		return fmt.Errorf("calling the SMS gateway: %w", err)
	}
	defer res.Body.Close()
	// What it says does not matter, nor whether all of it comes.
	_, _ = io.CopyN(io.Discard, res.Body, maxDrained)
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the SMS gateway answered %d", res.StatusCode)
	}
	return nil
}

// tellable says whether the text of an error is the network's. Others quote a broken answer, and so what it may echo.
func tellable(err error) bool {
	var network net.Error
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &network) || errors.As(err, &certificate) || errors.Is(err, context.Canceled) || errors.Is(err, io.EOF)
}
