// Package smshook sends one-time codes through an operator's own SMS gateway, by an HTTP call.
package smshook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// timeout bounds one call: a citizen stands at a door and waits for it.
const timeout = 10 * time.Second

// Sender posts {"phone": "0912345678", "code": "123456"} as application/json to a URL. The gateway answers 2xx once it has
// taken the message; anything else is an error. Errors hold neither the phone number nor the code. It is safe for
// concurrent use.
type Sender struct {
	url    string
	client *http.Client
}

// New returns a sender to the URL.
func New(url string) *Sender {
	return &Sender{url: url, client: &http.Client{Timeout: timeout}}
}

// SendCode has the gateway send the code.
func (s *Sender) SendCode(ctx context.Context, phone, code string) error {
	body, err := json.Marshal(map[string]string{"phone": phone, "code": code})
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("calling the SMS gateway: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if call := new(url.Error); errors.As(err, &call) {
		err = call.Err // without the URL, which may hold a secret
	}
	if err != nil {
		return fmt.Errorf("calling the SMS gateway: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the SMS gateway answered %d", res.StatusCode)
	}
	return nil
}
