package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// deploy is the folder of what operators run truyvet with.
const deploy = "../../deploy"

// container is what compose.yaml, or a file of kubernetes/, says of one.
type container struct {
	name  string
	image string
	args  []string
	env   map[string]string
	ports []int // that it is reached at
}

// TestContainers holds compose.yaml and kubernetes/ to the program and to the passwords that secrets.sh draws: commands,
// settings and secrets are those that there are, servers are found where the settings look for them, and Redis keeps what it
// has answered.
func TestContainers(t *testing.T) {
	secrets := drawSecrets(t)
	for name, containers := range map[string][]container{"compose": composed(t, secrets), "kubernetes": orchestrated(t, secrets)} {
		t.Run(name, func(t *testing.T) {
			count := make(map[string]int)
			for _, c := range containers {
				count[c.image+" "+strings.Join(c.args[:min(len(c.args), 1)], "")]++
				if c.image == "truyvet" {
					checkTruyvet(t, c, secrets, containers)
				} else if _, tag, _ := strings.Cut(c.image, ":"); tag == "" || tag == "latest" {
					t.Errorf("%s has no version: %s", c.name, c.image)
				}
				for variable, value := range c.env {
					if file, is := strings.CutSuffix(variable, "_FILE"); is && strings.HasSuffix(file, "PASSWORD") {
						secrets.used(t, value)
					} else if strings.Contains(variable, "PASSWORD") {
						t.Errorf("%s is given %s itself", c.name, variable)
					}
				}
				if strings.HasPrefix(c.image, "redis:") {
					secrets.used(t, c.args[slices.Index(c.args, "--aclfile")+1])
					checkRedis(t, c.args, secrets)
				}
			}
			if count["truyvet serve"] < 1 || count["truyvet worker"] < 1 || count["truyvet migrate"] != 1 {
				t.Errorf("it runs %v", count)
			}
			for _, file := range secrets.unused() {
				t.Errorf("nobody reads %s", file)
			}
		})
	}
}

// secretFiles are the files of secrets.sh.
type secretFiles struct {
	dir  string
	read map[string]bool // by name: whether a container reads it
}

// drawSecrets has secrets.sh draw passwords.
func drawSecrets(t *testing.T) *secretFiles {
	t.Helper()
	s := &secretFiles{dir: filepath.Join(t.TempDir(), "secrets"), read: make(map[string]bool)}
	script := filepath.Join(deploy, "secrets.sh")
	if out, err := exec.CommandContext(t.Context(), script, s.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before := s.text(t, "redis.acl")
	if exec.CommandContext(t.Context(), script, s.dir).Run() == nil || s.text(t, "redis.acl") != before {
		t.Error("it draws over what is there")
	}
	if info, err := os.Stat(s.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter the folder: %v, %v", info.Mode(), err)
	}
	return s
}

func (s *secretFiles) text(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// used notes that a container reads a file where secrets are mounted.
func (s *secretFiles) used(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(s.dir, path.Base(file))); err != nil || !strings.HasPrefix(file, "/run/secrets/") {
		t.Errorf("%s is no secret: %v", file, err)
	}
	s.read[path.Base(file)] = true
}

// unused returns the files that no container has read since the last call.
func (s *secretFiles) unused() []string {
	var names []string
	_ = filepath.WalkDir(s.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !s.read[entry.Name()] {
			names = append(names, entry.Name())
		}
		return err
	})
	clear(s.read)
	return names
}

// readYAML reads the documents of a file in which no password may stand.
func readYAML(t *testing.T, secrets *secretFiles, elements ...string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{deploy}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`[a-z]+://[^/\s]*:[^/\s]*@`).Find(text); found != nil {
		t.Errorf("%v holds a password: %s", elements, found)
	}
	var documents []map[string]any
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document map[string]any
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			return documents
		} else if err != nil {
			t.Fatalf("%v: %v", elements, err)
		}
		documents = append(documents, document)
	}
}

// at returns what stands under some keys, nil where nothing does.
func at(value any, keys ...string) any {
	for _, key := range keys {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}

// list returns a list's elements.
func list(value any) []any {
	elements, _ := value.([]any)
	return elements
}

// texts returns a list's elements as text.
func texts(value any) []string {
	var all []string
	for _, element := range list(value) {
		all = append(all, fmt.Sprint(element))
	}
	return all
}

// composed returns the containers of compose.yaml.
func composed(t *testing.T, secrets *secretFiles) []container {
	t.Helper()
	file := readYAML(t, secrets, "compose.yaml")[0]
	services, _ := at(file, "services").(map[string]any)
	var all []container
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := services[name]
		c := container{name: name, image: fmt.Sprint(at(s, "image")), args: texts(at(s, "command")), env: make(map[string]string)}
		env, _ := at(s, "environment").(map[string]any)
		for variable, value := range env {
			c.env[variable] = interpolated(fmt.Sprint(value))
		}
		for _, secret := range texts(at(s, "secrets")) {
			if source := fmt.Sprint(at(file, "secrets", secret, "file")); source != "secrets/"+secret {
				t.Errorf("the secret %s of %s is the file %s", secret, name, source)
			}
		}
		all = append(all, c)
	}
	return all
}

// interpolated puts something in the place of a variable of the environment.
func interpolated(text string) string {
	return regexp.MustCompile(`\$\{SITE:[^}]*\}`).ReplaceAllString(strings.ReplaceAll(text, "${SMS_WEBHOOK:-}", ""), "c.example.vn")
}

// orchestrated returns the containers of kubernetes/.
func orchestrated(t *testing.T, secrets *secretFiles) []container {
	t.Helper()
	if resources := texts(at(readYAML(t, secrets, "kubernetes", "kustomization.yaml")[0], "resources")); !slices.Equal(resources, []string{"servers.yaml", "truyvet.yaml"}) {
		t.Errorf("it has the resources %v", resources)
	}
	documents := slices.Concat(readYAML(t, secrets, "kubernetes", "servers.yaml"), readYAML(t, secrets, "kubernetes", "truyvet.yaml"))
	settings := make(map[string]string)
	services := make(map[string][]int)
	for _, d := range documents {
		name := fmt.Sprint(at(d, "metadata", "name"))
		switch at(d, "kind") {
		case "ConfigMap":
			data, _ := at(d, "data").(map[string]any)
			for variable, value := range data {
				settings[variable] = fmt.Sprint(value)
			}
		case "Service":
			for _, port := range list(at(d, "spec", "ports")) {
				number, _ := strconv.Atoi(fmt.Sprint(at(port, "port")))
				services[name] = append(services[name], number)
			}
		}
	}
	var all []container
	for _, d := range documents {
		for _, spec := range list(at(d, "spec", "template", "spec", "containers")) {
			c := container{
				name: fmt.Sprint(at(spec, "name")), image: fmt.Sprint(at(spec, "image")), args: texts(at(spec, "args")), env: make(map[string]string),
				ports: services[fmt.Sprint(at(d, "metadata", "name"))],
			}
			if at(spec, "envFrom") != nil {
				maps.Copy(c.env, settings)
			}
			for _, variable := range list(at(spec, "env")) {
				c.env[fmt.Sprint(at(variable, "name"))] = fmt.Sprint(at(variable, "value"))
			}
			all = append(all, c)
		}
	}
	return all
}

// checkTruyvet sees that a container of ours is given a command and settings that there are, and finds the servers.
func checkTruyvet(t *testing.T, c container, secrets *secretFiles, all []container) {
	t.Helper()
	if command, rest, err := newRootCmd(nil).Find(c.args); err != nil || len(rest) > 0 || !slices.Equal(c.args, []string{command.Name()}) {
		t.Errorf("%s runs %v: %v", c.name, c.args, err)
	}
	var env []string
	for name, value := range c.env {
		if !slices.ContainsFunc(config.Settings(), func(s config.Setting) bool { return s.Name == name }) {
			t.Errorf("%s is given %s, which is no setting", c.name, name)
		}
		if name == "TRUYVET_CONFIG" {
			secrets.used(t, value)
			value = filepath.Join(secrets.dir, path.Base(value))
		}
		env = append(env, name+"="+value)
	}
	cfg, err := config.Load(t.Context(), env, nil)
	if err != nil {
		t.Errorf("%s: %v", c.name, err)
		return
	}
	if _, chosen := cfg.OpsAddress(config.ServeProcess); !chosen || !cfg.Cluster() || cfg.Listen != "0.0.0.0:8080" || cfg.OpsListen != "0.0.0.0:8081" {
		t.Errorf("%s listens at %s and %s", c.name, cfg.Listen, cfg.OpsListen)
	}
	for _, address := range []string{cfg.RedisURL, cfg.ClickHouseURL, cfg.RegistryURL} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(c container) bool { return c.name == u.Hostname() })
		if _, has := u.User.Password(); i < 0 || !has {
			t.Errorf("%s looks for %s", c.name, u.Redacted())
		} else if port, _ := strconv.Atoi(u.Port()); all[i].ports != nil && !slices.Contains(all[i].ports, port) {
			t.Errorf("%s looks for port %d of %s, which has %v", c.name, port, u.Hostname(), all[i].ports)
		}
	}
}

// checkRedis starts a Redis as the container does, lets in whom it lets in, and sees that what it answers is kept.
func checkRedis(t *testing.T, args []string, secrets *secretFiles) {
	t.Helper()
	acl := slices.Index(args, "--aclfile")
	server := testserver.Redis(t, testenv.RedisOptions{Args: slices.Concat(args[1:acl], args[acl+2:])})
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { _ = admin.Close() }()
	for line := range strings.Lines(secrets.text(t, "redis.acl")) {
		words := []any{"ACL", "SETUSER"}
		for _, word := range strings.Fields(line)[1:] {
			words = append(words, word)
		}
		if err := admin.Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	address := strings.TrimPrefix(strings.SplitN(secrets.text(t, "truyvet.conf"), "\n", 2)[0], "TRUYVET_REDIS_URL=")
	log, err := redisstream.Open(strings.Replace(address, "redis:6379", server.Addr, 1), redisstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	if findings, err := log.Check(t.Context()); err != nil || len(findings) > 0 {
		t.Errorf("%v, %v", findings, err)
	}
	stranger, err := redisstream.Open("redis://"+server.Addr, redisstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	if _, err := stranger.Tail(t.Context()); err == nil {
		t.Error("Redis lets in whoever comes")
	}
}

// TestDockerfile holds the image to the program, and both ways to run it to its user and its folder.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"RUN CGO_ENABLED=0 go build -trimpath -o /out/truyvet ./cmd/truyvet", "USER 10001:10001", "ENV TRUYVET_DATA=/var/lib/truyvet", `CMD ["serve"]`,
	} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
	version := find(t, "../../go.mod", `(?m)^go (\d+\.\d+)`)
	if image := find(t, filepath.Join(deploy, "Dockerfile"), `(?m)^FROM golang:(\S+) `); image != version {
		t.Errorf("it builds with Go %s, and go.mod wants %s", image, version)
	}
	for _, file := range []string{"compose.yaml", filepath.Join("kubernetes", "truyvet.yaml")} {
		if mount := find(t, filepath.Join(deploy, file), `(?m)(?:mountPath: |data:)(/var/lib/truyvet)\b`); mount == "" {
			t.Errorf("%s keeps nothing in the data folder", file)
		}
	}
	if user := find(t, filepath.Join(deploy, "kubernetes", "truyvet.yaml"), `runAsUser: (\d+)`); user != "10001" {
		t.Errorf("Kubernetes runs it as %s", user)
	}
}

// find returns the first group of a pattern in a file, or nothing.
func find(t *testing.T, file, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(pattern).FindStringSubmatch(string(text)); m != nil {
		return m[1]
	}
	return ""
}
