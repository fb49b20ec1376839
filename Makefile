# One target per thing that people do; `make help` lists them.

GO       ?= go
BIN      := bin/truyvet
ASSETS   := internal/webui/page/assets
DATA     ?= data
LISTEN   ?= 127.0.0.1:8080
SIZE     ?= 20m
SCANS    ?= 6000000
GOFUMPT  := mvdan.cc/gofumpt@v0.12.0
STATIC   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What the race detector does not look into, for it makes sums ten times slower and has nothing to find there: SQLite and its C
# library, whose memory is not Go's, ciphers, pictures and who reads codes in them, and the oracle that walks are compared with.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc golang.org/x/crypto/... golang.org/x/image/... image/... \
	github.com/makiuchi-d/gozxing/... github.com/truyvet/truyvet/tracing/tracingtest
RACE := -race $(UNWATCHED:%=-gcflags=%=-race=false)
# How many packages are built and tested at a time: a third of the time they wait for servers and browsers.
AT_ONCE := $(shell expr $$(nproc) \* 3 / 2)

# What a measurement in chromium prints besides its figures where it fails; with pipefail the failure is the target's.
FAILED := FAIL|panic|_test\.go:

.PHONY: help run build wasm test-packages test e2e bench bench-walk bench-ingest bench-gate bench-citizen bench-registry bench-posters replay overload soak lint cluster clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, load the made-up district into ./data (once), serve it on 127.0.0.1:8080
	$(BIN) demo --data $(DATA) --listen $(LISTEN)

build: wasm ## build bin/truyvet
	$(GO) build -o $(BIN) ./cmd/truyvet

wasm: ## build what a gate's browser runs by itself into internal/webui/page/assets; without it a gate needs the network
	GOOS=js GOARCH=wasm $(GO) build -trimpath -ldflags='-s -w' -o bin/gate.wasm ./cmd/gatewasm
	gzip -9nc bin/gate.wasm > $(ASSETS)/gate.wasm.gz
	cp "$$($(GO) env GOROOT)/lib/wasm/wasm_exec.js" $(ASSETS)/

test-packages: ## install the Debian packages and the libraries that the tests need, where they are missing
	@deploy/dev/test-packages.sh
	@deploy/dev/chdb.sh
	@deploy/dev/axe.sh

test: test-packages wasm ## run every test, with the race detector and real servers
	$(GO) vet ./...
# Walks are compared on many worlds without the race detector, and on some with it.
	$(GO) test -vet=off -shuffle=on ./tracing/...
	$(GO) test $(RACE) -p $(AT_ONCE) -vet=off -shuffle=on -timeout=14m ./...

e2e: test-packages wasm ## of the tests, only those in which chromium goes where people do
	$(GO) test -run 'Tours|Pages|Phone|Gate|Screen|Declaration' ./internal/e2e

bench: ## run the benchmarks of the inner loops
	$(GO) test -run='^$$' -bench=. -benchmem ./...

bench-walk: ## measure the walk beside SQL on SQLite, PostgreSQL and ClickHouse: SIZE=2m, 20m (half an hour) or 80m
	@deploy/dev/test-packages.sh clickhouse-server postgresql
	$(GO) run ./cmd/benchwalk --size $(SIZE)

bench-ingest: build ## measure how fast scans are taken in, beside the limits of what they go through (four minutes)
	@deploy/dev/test-packages.sh redis-server clickhouse-server
	$(GO) run ./cmd/benchingest --truyvet $(BIN)

bench-gate bench-citizen: SHELL := bash
bench-gate bench-citizen: .SHELLFLAGS := -o pipefail -c

bench-gate: wasm ## measure a gate in chromium: pictures a second, and a line of people at a reader
	@deploy/dev/test-packages.sh chromium
	@$(GO) test ./internal/e2e -run TestGateAlone -v -gate.frames=200 | grep -E '^gate\.|$(FAILED)'
	@printf 'gate.wasm %s bytes\n' $$(wc -c < $(ASSETS)/gate.wasm.gz)

bench-citizen: ## measure how long a check-in takes in chromium over 400 kbit/s and 400 ms, on a processor six times slower
	@deploy/dev/test-packages.sh chromium
	@$(GO) test ./internal/e2e -run TestPhoneTraffic -v -citizen.timing | grep -E '^citizen\.|visit takes|$(FAILED)'

replay: build ## replay 24 hours of a city of two million people, as fast as they are taken, in both modes (ten minutes): SCANS=6000000
	@deploy/dev/test-packages.sh redis-server clickhouse-server
	$(GO) run ./cmd/benchingest --truyvet $(BIN) --replay $(SCANS)

overload: build ## send twice of what it can do for a minute, in both modes, and see how that is borne (four minutes)
	@deploy/dev/test-packages.sh redis-server clickhouse-server
	$(GO) run ./cmd/benchingest --truyvet $(BIN) --overload 1m

bench-registry: ## measure taking in and finding a million places, on SQLite and on PostgreSQL (five minutes)
	@deploy/dev/test-packages.sh postgresql
	$(GO) run ./cmd/benchregistry

bench-posters: build ## measure drawing posters, beside qrencode drawing the bare code, and the memory that an order takes
	@deploy/dev/test-packages.sh qrencode
	$(GO) run ./cmd/benchposters
	$(GO) run ./cmd/benchposters --ordered $(BIN) --posters 10000

soak: test-packages ## twenty minutes of drawn faults (kills, cut and broken lines, full disks): nothing accepted may be lost
	$(GO) test ./internal/e2e -run TestFaultsLoseNothing -v -soak.for=20m -timeout=60m

lint: ## go mod tidy, gofumpt, go vet, staticcheck, golangci-lint
	$(GO) mod tidy -diff
	@files=$$($(GO) run $(GOFUMPT) -l .); if [ -n "$$files" ]; then echo "not gofumpt-clean:"; echo "$$files"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATIC) ./...
	$(GO) run $(GOLANGCI) run ./...

cluster: build ## the cluster mode on this machine: Redis, ClickHouse, PostgreSQL, one serve, one worker; Ctrl-C ends it
	@deploy/dev/test-packages.sh redis-server clickhouse-server postgresql
	$(GO) build -o bin/devcluster ./cmd/devcluster
	bin/devcluster --truyvet $(BIN) --listen $(LISTEN)

clean: ## remove what was built; ./data stays
	rm -rf bin
