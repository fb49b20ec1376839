package benchposters

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// fewOrdered is the order that a large one is held against.
const fewOrdered = 100

// Ordered measures the most memory that a server, run from the built binary, takes while it draws an order that an owner placed on the
// page: one of 100 posters, and one of many, each by a server of its own over the same places. It writes "name value unit" lines.
func Ordered(ctx context.Context, binary string, many int, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "truyvet-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o := &orders{binary: binary, dir: dir, env: []string{"TRUYVET_DATA=" + filepath.Join(dir, "data"), "TRUYVET_OPS_LISTEN=off", "PATH=" + os.Getenv("PATH")}}
	if err := o.furnish(ctx, max(many, fewOrdered)); err != nil {
		return err
	}
	most := make(map[int]float64)
	for _, count := range []int{fewOrdered, many} {
		begin := time.Now()
		size, memory, err := o.order(ctx, count)
		if err != nil {
			return fmt.Errorf("ordering %d posters: %w", count, err)
		}
		most[count] = memory
		fmt.Fprintf(out, "ordered.%d.memory %.0f MiB\nordered.%d.took %.1f s\nordered.%d.size %d bytes\n",
			count, memory, count, time.Since(begin).Seconds(), count, size)
	}
	_, err = fmt.Fprintf(out, "ordered.growth %.2f times\n", most[many]/most[fewOrdered])
	return err
}

// orders is a data folder with an owner of many places.
type orders struct {
	binary, dir string
	env         []string
	password    string
}

// run runs a command in the data folder and returns what it prints.
func (o *orders) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, o.binary, args...)
	cmd.Env = o.env
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("truyvet %s: %w: %s", args[0], err, text)
	}
	return string(text), nil
}

// furnish makes the owner and the places, whose keys are their numbers.
func (o *orders) furnish(ctx context.Context, count int) error {
	if _, err := o.run(ctx, "init"); err != nil {
		return err
	}
	if _, err := o.run(ctx, "migrate"); err != nil {
		return err
	}
	made, err := o.run(ctx, "account", "create", "--login", "owner", "--role", "owner", "--organisation", "Toà nhà")
	if err != nil {
		return err
	}
	said := make(map[string]string)
	for line := range strings.Lines(made) {
		if fields := strings.Fields(line); len(fields) == 2 {
			said[fields[0]] = fields[1]
		}
	}
	o.password = said["password"]
	var file bytes.Buffer
	rows := csv.NewWriter(&file)
	_ = rows.Write([]string{"key", "name", "kind", "address"}) // a buffer takes all
	for n := range count {
		_ = rows.Write([]string{strconv.Itoa(n + 1), fmt.Sprintf("Phòng họp A%d", n+1), "meeting_room", "123 đường Nguyễn Văn Bá, phường Trường Thọ"})
	}
	rows.Flush()
	path := filepath.Join(o.dir, "places.csv")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing places: %w", err)
	}
	_, err = o.run(ctx, "places", "import", path, "--organisation", said["organisation"])
	return err
}

// order starts a server, orders the first places' posters in one PDF, fetches them, and returns how large they are, and how many MiB
// the server took at most.
func (o *orders) order(ctx context.Context, count int) (size int64, memory float64, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, fmt.Errorf("finding a free port: %w", err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return 0, 0, err
	}
	serve := exec.CommandContext(ctx, o.binary, "serve", "--listen", address)
	serve.Env = o.env
	if err := serve.Start(); err != nil {
		return 0, 0, fmt.Errorf("starting the server: %w", err)
	}
	defer func() {
		_ = serve.Process.Signal(syscall.SIGTERM) // it fails only when the process has ended
		err = errors.Join(err, serve.Wait())
	}()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, 0, err
	}
	b := &owner{ctx: ctx, base: "http://" + address, client: &http.Client{Jar: jar}}
	order, err := b.place(o.password, count)
	if err == nil {
		size, err = b.fetch(order + "/file")
	}
	if err != nil {
		return 0, 0, err
	}
	memory, err = mostMemory(serve.Process.Pid)
	return size, memory, err
}

// mostMemory returns how many MiB a process has taken at most, see proc(5).
func mostMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("looking at the server: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("looking at the server: Linux does not say what memory it takes")
}

// owner is somebody at the pages of a server.
type owner struct {
	ctx    context.Context
	base   string
	client *http.Client
}

// patience is how long an owner waits for a server to start, and for an order to be drawn.
const patience = 10 * time.Minute

// do sends a request until it is answered otherwise than that the server is busy, or does not run yet.
func (b *owner) do(method, target, kind string, body []byte) (*http.Response, error) {
	for end := time.Now().Add(patience); ; {
		req, err := http.NewRequestWithContext(b.ctx, method, target, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", kind)
		res, err := b.client.Do(req)
		switch {
		case err == nil && res.StatusCode == http.StatusOK:
			return res, nil
		case err == nil:
			_ = res.Body.Close() // nothing of it is read
			if res.StatusCode != http.StatusServiceUnavailable {
				return nil, fmt.Errorf("%s %s: %s", method, target, res.Status)
			}
			err = errors.New(res.Status)
		}
		if time.Now().After(end) || b.ctx.Err() != nil {
			return nil, errors.Join(err, b.ctx.Err())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// place logs in, orders, and returns the address of the order.
func (b *owner) place(password string, count int) (string, error) {
	login := url.Values{"login": {"owner"}, "password": {password}}
	res, err := b.do(http.MethodPost, b.base+"/login", "application/x-www-form-urlencoded", []byte(login.Encode()))
	if err != nil {
		return "", err
	}
	_ = res.Body.Close() // nothing of it is read
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range map[string]string{"choose": "listed", "size": poster.A6.String(), "words": poster.Both.String(), "files": string(printing.Book)} {
		_ = form.WriteField(name, value) // a buffer takes all
	}
	list, err := form.CreateFormFile("list", "list.csv")
	if err != nil {
		return "", err
	}
	fmt.Fprintln(list, "key")
	for n := range count {
		fmt.Fprintln(list, n+1)
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	if res, err = b.do(http.MethodPost, b.base+"/places/print", form.FormDataContentType(), body.Bytes()); err != nil {
		return "", err
	}
	return res.Request.URL.String(), res.Body.Close()
}

// fetch reads a file, once it is there, and returns how long it is.
func (b *owner) fetch(target string) (int64, error) {
	res, err := b.do(http.MethodGet, target, "", nil)
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(io.Discard, res.Body)
	return size, errors.Join(err, res.Body.Close())
}
