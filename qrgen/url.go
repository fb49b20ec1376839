package qrgen

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// URL returns what a code's QR symbol holds: the token under /Q/ of the base
// URL, all in upper case, as in "HTTPS://EXAMPLE.VN/Q/AEBA…". The base gives the
// scheme (http or https), the host and, if it has one, the port; a path other
// than "/", a query, a fragment or user information is refused, and so is a host
// that QR alphanumeric mode cannot hold (an IPv6 address, or a name that is not
// in its ASCII form). With a host of up to 13 characters under https the symbol
// is of version 7 at error correction level M.
func URL(base, token string) (string, error) {
	u, err := parseBase(base)
	if err != nil {
		return "", fmt.Errorf("building a code's URL: %w", err)
	}
	if _, err := decode(token); err != nil {
		return "", fmt.Errorf("building a code's URL: %w", err)
	}
	return strings.ToUpper(u.Scheme + "://" + u.Host + "/q/" + token), nil
}

// CheckBase says what is wrong with a base URL that [URL] would refuse. The
// error does not show the URL.
func CheckBase(base string) error {
	_, err := parseBase(base)
	return err
}

func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("the base URL is not a URL")
	}
	return u, checkBase(u)
}

func checkBase(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the base URL's scheme is %q instead of http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return errors.New("the base URL has no host")
	}
	if strings.ContainsFunc(u.Hostname(), notHostCharacter) {
		return errors.New("the base URL's host has characters other than letters, digits, dots and hyphens")
	}
	if strings.HasSuffix(u.Host, ":") {
		return errors.New("the base URL has a colon without a port")
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return errors.New("the base URL has more than a scheme, a host and a port")
	}
	return nil
}

// notHostCharacter also keeps out the colons of IPv6 addresses.
func notHostCharacter(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && r != '.' && r != '-'
}

// FromURL returns the token, in upper case, that a scanned text holds: a bare
// token, or an http or https URL of any host whose path is /Q/, /q/, /CHECK/ or
// /check/ and the token. White space around it, a query and a fragment are
// passed over, as some scanners add them. What does not hold a token's text gives
// [ErrMalformed]; what the token says is not looked at, and neither is the host:
// only the signed bytes count.
func FromURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	token := text
	if strings.Contains(text, "/") {
		var err error
		if token, err = lastPart(text); err != nil {
			return "", err
		}
	}
	if _, err := decode(token); err != nil {
		return "", err
	}
	return strings.ToUpper(token), nil
}

func lastPart(text string) (string, error) {
	// The parser's own error quotes the text, which may hold a token.
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%w: neither a token nor a web address", ErrMalformed)
	}
	// The escaped path, for a token has nothing to escape.
	for _, prefix := range []string{"/Q/", "/q/", "/CHECK/", "/check/"} {
		if token, ok := strings.CutPrefix(u.EscapedPath(), prefix); ok {
			return token, nil
		}
	}
	return "", fmt.Errorf("%w: a web address that is not a code's", ErrMalformed)
}
