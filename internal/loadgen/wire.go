package loadgen

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Conn is one connection to a server that speaks HTTP/1.1, for one request at a time. It does no more than it must, so that
// what is measured is the server: requests come ready as bytes, and of an answer the status and the body are read. It is for
// one goroutine.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// maxAnswer bounds an answer's body, in bytes.
const maxAnswer = 1 << 20

// Dial connects to the host of an http or https URL.
func Dial(ctx context.Context, target *url.URL) (*Conn, error) {
	host := target.Host
	if target.Port() == "" {
		host = net.JoinHostPort(target.Hostname(), map[string]string{"http": "80", "https": "443"}[target.Scheme])
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	var conn net.Conn
	var err error
	if target.Scheme == "https" {
		conn, err = (&tls.Dialer{NetDialer: dialer}).DialContext(ctx, "tcp", host)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", host)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &Conn{conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte // until the next request of the connection
}

// Do sends a request and reads its answer, by the deadline. After an error the connection is of no more use, and whether
// the server took the request is not known.
func (c *Conn) Do(request []byte, deadline time.Time) (Answer, error) {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return Answer{}, fmt.Errorf("setting the deadline: %w", err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return Answer{}, fmt.Errorf("sending: %w", err)
	}
	a, err := c.read()
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	return a, nil
}

var errAnswer = errors.New("it is no answer of HTTP/1.1")

// read reads the status line, of the headers those that say how long the body is, and the body.
func (c *Conn) read() (Answer, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return Answer{}, err
	}
	const start = len("HTTP/1.1 200")
	if len(line) < start || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return Answer{}, errAnswer
	}
	status, err := strconv.Atoi(string(line[start-3 : start]))
	if err != nil {
		return Answer{}, errAnswer
	}
	length, chunked := -1, false
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return Answer{}, err
		}
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if len(name) == 0 {
			break
		}
		switch {
		case strings.EqualFold(string(name), "Content-Length"):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return Answer{}, errAnswer
			}
		case strings.EqualFold(string(name), "Transfer-Encoding"):
			chunked = true
		}
	}
	c.body = c.body[:0]
	switch {
	case chunked:
		err = c.readChunks()
	case length >= 0:
		err = c.readMore(length)
	default:
		err = errAnswer
	}
	return Answer{Status: status, Body: c.body}, err
}

// readMore adds n bytes to the body.
func (c *Conn) readMore(n int) error {
	at := len(c.body)
	if n < 0 || at+n > maxAnswer {
		return errors.New("the answer is too long")
	}
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.in, c.body[at:])
	return err
}

// readChunks reads a body in chunks (RFC 9112, 7.1). No server of ours sends trailers.
func (c *Conn) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
		if err != nil {
			return errAnswer
		}
		if err := c.readMore(int(size)); err != nil {
			return err
		}
		if end, err := c.in.ReadSlice('\n'); err != nil || len(bytes.TrimRight(end, "\r\n")) != 0 {
			return errors.Join(errAnswer, err)
		}
		if size == 0 {
			return nil
		}
	}
}
