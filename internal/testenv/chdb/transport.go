package chdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// Options are how clickhouse-go reaches the engine. They name no database.
func (e *Engine) Options() *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{"chdb:1"}, // nobody is called there
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return e, nil },
	}
}

// hello is what the driver asks first.
const hello = "SELECT displayName(), version(), revision(), timezone()"

// RoundTrip implements http.RoundTripper for the requests that clickhouse-go makes of a server.
func (e *Engine) RoundTrip(httpRequest *http.Request) (*http.Response, error) {
	result, err := e.answer(httpRequest)
	var exception *Exception
	switch {
	case errors.As(err, &exception):
		return response(httpRequest, http.StatusInternalServerError, []byte(exception.Text)), nil
	case err != nil:
		return nil, err
	}
	return response(httpRequest, http.StatusOK, result), nil
}

func response(to *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: to, Header: make(http.Header),
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func (e *Engine) answer(httpRequest *http.Request) ([]byte, error) {
	body, err := io.ReadAll(httpRequest.Body)
	if err := errors.Join(err, httpRequest.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	parameters := httpRequest.URL.Query()
	r, err := requestOf(parameters)
	if err != nil {
		return nil, err
	}
	if insert := parameters.Get("query"); insert != "" {
		r.query = strings.TrimSuffix(insert, " FORMAT Native")
		return nil, e.load(httpRequest.Context(), r, body)
	}
	r.query = string(body)
	if kind, details, err := mime.ParseMediaType(httpRequest.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		if r.query, r.tables, err = readForm(body, details["boundary"], parameters); err != nil {
			return nil, fmt.Errorf("reading external tables: %w", err)
		}
	}
	if r.query == hello {
		return e.helloBlock()
	}
	return e.do(httpRequest.Context(), r)
}

// ofProtocol are parameters of a request that are no settings.
var (
	ofProtocol = []string{"database", "query", "default_format", "client_protocol_version"}
	ofTable    = regexp.MustCompile(`_(format|structure)$`)
)

func requestOf(parameters url.Values) (request, error) {
	r := request{database: parameters.Get("database"), settings: make(map[string]string)}
	if r.database == "" {
		r.database = "default"
	}
	for name := range parameters {
		switch value := parameters.Get(name); {
		case slices.Contains(ofProtocol, name), ofTable.MatchString(name):
		case name == "compress", name == "decompress", name == "session_id", name == "query_id", strings.HasPrefix(name, "param_"):
			return request{}, fmt.Errorf("a query to chDB has no %s", name)
		default:
			r.settings[name] = value
		}
	}
	return r, nil
}

// readForm reads a query with external tables.
func readForm(body []byte, boundary string, parameters url.Values) (query string, tables []table, err error) {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return query, tables, nil
		}
		if err != nil {
			return "", nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return "", nil, err
		}
		if name := part.FormName(); name == "query" {
			query = string(content)
		} else {
			tables = append(tables, table{name: name, structure: parameters.Get(name + "_structure"), rows: content})
		}
	}
}

// helloBlock tells the driver to speak the format of revision 0, which is what files have. It reads this answer, and only
// this, in its own revision.
func (e *Engine) helloBlock() ([]byte, error) {
	block := proto.NewBlock()
	for _, c := range []struct {
		name string
		kind column.Type
	}{{"displayName()", "String"}, {"version()", "String"}, {"revision()", "UInt32"}, {"timezone()", "String"}} {
		if err := block.AddColumn(c.name, c.kind); err != nil {
			return nil, fmt.Errorf("greeting the driver: %w", err)
		}
	}
	if err := block.Append("chDB", e.version, uint32(0), "UTC"); err != nil {
		return nil, fmt.Errorf("greeting the driver: %w", err)
	}
	var out chproto.Buffer
	if err := block.Encode(&out, clickhouse.ClientTCPProtocolVersion); err != nil {
		return nil, fmt.Errorf("greeting the driver: %w", err)
	}
	return out.Buf, nil
}
