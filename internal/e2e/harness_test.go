package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// binary is the built truyvet.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "truyvet-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "truyvet")
	build := exec.Command("go", "build", "-o", binary, "github.com/truyvet/truyvet/cmd/truyvet")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	code := 1
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building truyvet:", err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long anything may take that a loaded machine makes slow.
const patience = 90 * time.Second

// installation is a data folder and the settings that its processes share.
type installation struct {
	t    *testing.T
	env  []string
	base string // URL of serve
	data string
}

// install makes a data folder with keys and a few areas, and settings with a free port.
func install(t *testing.T, settings ...string) *installation {
	t.Helper()
	in := newInstallation(t, settings...)
	in.run("init")
	areas := filepath.Join(t.TempDir(), "areas.csv")
	text := "code,level,parent,name\n31,province,,Thành phố Mẫu\n311,district,31,Quận Mẫu\n31101,ward,311,Phường Mẫu\n"
	if err := os.WriteFile(areas, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in.run("areas", "import", areas)
	return in
}

// newInstallation names a data folder and a free port, and makes nothing yet.
func newInstallation(t *testing.T, settings ...string) *installation {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	return &installation{
		t: t, base: "http://" + address, data: data,
		env: append([]string{
			"TRUYVET_DATA=" + data, "TRUYVET_LISTEN=" + address, "TRUYVET_OPS_LISTEN=127.0.0.1:0",
			"PATH=" + os.Getenv("PATH"), "TZ=America/Lima",
		}, settings...),
	}
}

// setting returns a setting of the installation's, empty where it has none.
func (in *installation) setting(name string) (value string) {
	for _, pair := range in.env {
		if text, found := strings.CutPrefix(pair, name+"="); found {
			value = text
		}
	}
	return value
}

// registry returns where the registry is.
func (in *installation) registry() string {
	return cmp.Or(in.setting("TRUYVET_REGISTRY_URL"), filepath.Join(in.data, "registry.db"))
}

// run runs a command of truyvet to its end and returns what it printed.
func (in *installation) run(args ...string) string {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = in.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		in.t.Fatalf("truyvet %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// process is a running truyvet that a test may kill and start again.
type process struct {
	t    *testing.T
	args []string
	env  []string
	log  *syncBuffer

	cmd   *exec.Cmd
	ended chan error
}

// start runs a command of truyvet in the background until the test ends.
func (in *installation) start(args ...string) *process {
	in.t.Helper()
	return in.launch(&process{t: in.t, args: args, env: in.env, log: new(syncBuffer)})
}

// startWith is start for a command with some settings of its own.
func (in *installation) startWith(command string, settings ...string) *process {
	in.t.Helper()
	return in.launch(&process{t: in.t, args: []string{command}, env: slices.Concat(in.env, settings), log: new(syncBuffer)})
}

func (in *installation) launch(p *process) *process {
	in.t.Helper()
	p.begin()
	in.t.Cleanup(func() {
		p.kill()
		if in.t.Failed() {
			in.t.Logf("log of %s:\n%s", strings.Join(p.args, " "), p.log.tail(6000))
		}
	})
	return p
}

func (p *process) begin() {
	p.t.Helper()
	p.cmd = exec.Command(binary, p.args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error, 1), make(chan error, 1)
	p.ended = ended
	go func(cmd *exec.Cmd) {
		// Pdeathsig comes when the thread that started the process ends, so that thread stays until the process has ended.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}(p.cmd)
	if err := <-started; err != nil {
		p.t.Fatal(err)
	}
}

// kill ends the process with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.ended <- errors.New("killed")
}

func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// stop ends the process with SIGTERM and returns how it exited.
func (p *process) stop() error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(patience):
		return errors.New("did not stop")
	}
}

// serve starts `truyvet serve`, or another command that serves, and waits until it answers.
func (in *installation) serve(args ...string) *process {
	in.t.Helper()
	if len(args) == 0 {
		args = []string{"serve"}
	}
	p := in.start(args...)
	in.await(p)
	return p
}

// await waits until the server answers.
func (in *installation) await(p *process) {
	in.t.Helper()
	eventually(in.t, "the server answers", func() error {
		select {
		case err := <-p.ended:
			p.ended <- err
			in.t.Fatalf("the server ended: %v\n%s", err, p.log.tail(4000))
		default:
		}
		res, err := http.Get(in.base + "/healthz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
}

// eventually tries until it works or patience ends.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting until %s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// syncBuffer is a buffer that a process writes and a test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *syncBuffer) tail(n int) string {
	text := s.String()
	return text[max(0, len(text)-n):]
}

// person is a browser without script: it keeps cookies and follows redirects.
type person struct {
	t      *testing.T
	base   string
	client *http.Client
}

func (in *installation) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		in.t.Fatal(err)
	}
	return &person{t: in.t, base: in.base, client: &http.Client{Jar: jar, Timeout: patience}}
}

// get returns a page that must be there.
func (p *person) get(path string) string {
	p.t.Helper()
	res, err := p.client.Get(p.base + path)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.body(res)
}

// post sends a form and returns the page that it leads to, and that page's path.
func (p *person) post(path string, fields ...string) (page, landed string) {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	res, err := p.client.PostForm(p.base+path, form)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.body(res), res.Request.URL.Path
}

func (p *person) body(res *http.Response) string {
	p.t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s: status %d\n%s", res.Request.Method, res.Request.URL.Path, res.StatusCode, text)
	}
	return string(text)
}

// find returns the first group of a pattern in a page.
func find(t *testing.T, page, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("nothing like %s in the page:\n%s", pattern, page)
	}
	return m[1]
}

// account makes an account on the command line and logs in with it.
func (in *installation) account(args ...string) *person {
	in.t.Helper()
	out := in.run(append([]string{"account", "create"}, args...)...)
	p := in.person()
	p.logIn(find(in.t, out, `login +(\S+)`), find(in.t, out, `password +(\S+)`))
	return p
}

// logIn logs in, and sets up a second factor where the role has to.
func (p *person) logIn(login, password string) {
	p.t.Helper()
	page, landed := p.post("/login", "login", login, "password", password)
	if landed == "/login" {
		p.t.Fatalf("%s could not log in:\n%s", login, page)
	}
	if landed != "/account/factor" {
		return
	}
	secret := strings.ReplaceAll(find(p.t, page, `<code>([A-Z2-7 ]+)</code>`), " ", "")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	sealed := html.UnescapeString(find(p.t, page, `name="secret" value="([^"]+)"`))
	if page, _ = p.post("/account/factor", "secret", sealed, "code", code, "password", password); !strings.Contains(page, `class="codes"`) {
		p.t.Fatalf("%s could not set up a second factor:\n%s", login, page)
	}
}

// gateway is an SMS gateway that keeps the last code for each phone.
type gateway struct {
	*httptest.Server
	mu    sync.Mutex
	codes map[string]string
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{codes: make(map[string]string)}
	g.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Phone, Code string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.codes[message.Phone] = message.Code
	}))
	t.Cleanup(g.Close)
	return g
}

// arrived says whether a code for a phone has come yet.
func (g *gateway) arrived(phone string) error {
	if g.code(phone) == "" {
		return errors.New("no code yet")
	}
	return nil
}

func (g *gateway) code(phone string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.codes[phone]
}
