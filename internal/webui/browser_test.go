package webui_test

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is a client with cookies that follows no redirects by itself.
type browser struct {
	s      *site
	client *http.Client
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &browser{s: s, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// staff returns a browser that is logged in.
func (s *site) staff(login string) *browser {
	s.t.Helper()
	b := s.browser()
	p := b.post("/login", url.Values{"login": {login}, "password": {password}})
	if p.status != http.StatusSeeOther {
		s.t.Fatalf("logging in as %s: %d %s", login, p.status, p.text())
	}
	return b
}

// answer is what a page answered.
type answer struct {
	t        *testing.T
	status   int
	header   http.Header
	location string
	body     string
	root     *html.Node
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, form url.Values) answer { return b.do(http.MethodPost, path, form) }

// follow gets pages until one is no redirect.
func (b *browser) follow(p answer) answer {
	b.s.t.Helper()
	for range 5 {
		if p.location == "" {
			return p
		}
		p = b.get(p.location)
	}
	b.s.t.Fatalf("redirected in a circle, at last to %s", p.location)
	return p
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.s.t.Helper()
	var request *http.Request
	var err error
	if form == nil {
		request, err = http.NewRequestWithContext(b.s.t.Context(), method, b.s.URL+path, nil)
	} else {
		request, err = http.NewRequestWithContext(b.s.t.Context(), method, b.s.URL+path, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	must(b.s.t, err)
	return b.ask(request)
}

// ask sends a request.
func (b *browser) ask(request *http.Request) answer {
	b.s.t.Helper()
	response, err := b.client.Do(request)
	must(b.s.t, err)
	defer func() { must(b.s.t, response.Body.Close()) }()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	must(b.s.t, err)
	root, err := html.Parse(bytes.NewReader(body.Bytes()))
	must(b.s.t, err)
	if response.StatusCode >= 500 && response.StatusCode != http.StatusServiceUnavailable {
		b.s.t.Errorf("%s %s answered %d\n%s", request.Method, request.URL.Path, response.StatusCode, b.s.logs)
	}
	return answer{
		t: b.s.t, status: response.StatusCode, header: response.Header, location: response.Header.Get("Location"),
		body: body.String(), root: root,
	}
}

// cookie returns the value of a cookie, empty where there is none.
func (b *browser) cookie(name string) string {
	b.s.t.Helper()
	u, err := url.Parse(b.s.URL)
	must(b.s.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// all returns the elements for which keep says yes, in the order of the page.
func (p answer) all(keep func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && keep(n) {
			found = append(found, n)
		}
	}
	return found
}

// text is what the page says, without markup and repeated space.
func (p answer) text() string { return textOf(p.root) }

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// field returns the value of the first field of that name.
func (p answer) field(name string) string {
	p.t.Helper()
	found := p.all(func(n *html.Node) bool { return n.Data == "input" && attr(n, "name") == name })
	if len(found) == 0 {
		p.t.Fatalf("no field %q on the page: %s", name, p.text())
	}
	return attr(found[0], "value")
}

// heading returns the text of the page's one main heading.
func (p answer) heading() string {
	p.t.Helper()
	found := p.all(func(n *html.Node) bool { return n.Data == "h1" })
	if len(found) != 1 {
		p.t.Fatalf("%d main headings on the page: %s", len(found), p.text())
	}
	return textOf(found[0])
}

// wants says what the page must be.
func (p answer) wants(status int, texts ...string) {
	p.t.Helper()
	if p.status != status {
		p.t.Errorf("status %d, want %d: %s", p.status, status, p.text())
	}
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			p.t.Errorf("the page does not say %q: %s", text, p.text())
		}
	}
}

// leadsTo says where the page must redirect to.
func (p answer) leadsTo(path string) {
	p.t.Helper()
	if p.status != http.StatusSeeOther || p.location != path {
		p.t.Errorf("answered %d to %q, want a redirect to %q: %s", p.status, p.location, path, p.text())
	}
}
