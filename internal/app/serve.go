package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/httpapi"
	"github.com/truyvet/truyvet/internal/telemetry"
	"github.com/truyvet/truyvet/internal/webui"
	"github.com/truyvet/truyvet/internal/webui/desk"
	"github.com/truyvet/truyvet/internal/webui/door"
	"github.com/truyvet/truyvet/internal/webui/owner"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/internal/webui/staff"
	"github.com/truyvet/truyvet/internal/webui/visitor"
)

// The pace of a server.
const (
	refreshEvery = 2 * time.Second  // how soon another process's revocation or place is known here, and a changed certificate
	purgeEvery   = time.Hour        // how often it is seen whether what has expired was purged today
	headEvery    = time.Hour        // how often it is seen whether today's head of the audit log was written
	triesEvery   = 10 * time.Minute // how often tries are forgotten that count no more
	sealEvery    = 2 * time.Minute  // how often finished stays are made of new scans, where traces read them
	drainTime    = 20 * time.Second // how long open requests have after a stop
)

// Serve answers on the listener until ctx ends. Then it is no longer ready, for the time to drain; it stops taking
// connections, lets open requests finish, and returns. Operators are answered until the end. The parts stay open. Demo may be
// nil.
func (p *Parts) Serve(ctx context.Context, listener net.Listener, demo *staff.Demo) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	source, err := p.openCertificates(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	checks := p.checks()
	if source != nil {
		checks = append(checks, certificateCheck(source, p.Clock))
	}
	board := telemetry.NewBoard(p.Logger, p.Clock, checks...)
	handler, watch, err := p.handler(demo, board)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	operators, err := openOperations(p.Config, config.ServeProcess, p.registry, board, p.Logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer operators.run(p.Logger)()
	stopPlain, err := p.answerPlain(source)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopPlain()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // a long list over a slow line
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(discardAddresses{p.Logger.Handler()}, slog.LevelDebug),
	}
	var background sync.WaitGroup
	backgroundCtx, stop := context.WithCancel(ctx)
	background.Go(func() { p.every(backgroundCtx, refreshEvery, "refresh", p.refresh) })
	background.Go(func() { p.every(backgroundCtx, purgeEvery, "purge", p.purge) })
	background.Go(func() { p.every(backgroundCtx, headEvery, "head of the audit log", p.exportHead) })
	background.Go(func() { p.every(backgroundCtx, triesEvery, "forgetting tries", p.forgetTries) })
	background.Go(func() { p.Scans.Run(backgroundCtx) })
	background.Go(func() {
		if err := watch(backgroundCtx); err != nil {
			p.Logger.Error("not seen how busy the server is", "error", err)
		}
	})
	if p.Scans.sealer != nil {
		background.Go(func() { p.every(backgroundCtx, sealEvery, "seal", p.sealNow) })
	}
	if source != nil {
		background.Go(func() {
			p.every(backgroundCtx, refreshEvery, "certificate", func(context.Context) error { return source.Refresh() })
		})
	}
	defer background.Wait()
	defer stop()

	failed := make(chan error, 1)
	go func() { failed <- listenOn(server, listener, source) }()
	p.warn()
	p.Logger.Info("serving", "listen", listener.Addr().String(), "https", p.Config.HTTPS(), "cluster", p.Config.Cluster(), "demo", p.Config.Demo)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	board.Stop()
	if wait := p.Config.DrainSeconds; wait > 0 {
		p.Logger.Info("stopping: not ready any more", "seconds", wait)
		time.Sleep(time.Duration(wait) * time.Second)
	}
	p.Logger.Info("stopping: finishing open requests")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("finishing open requests: %w", err), server.Close())
	}
	return nil
}

// warn says what is set in a way that will hurt the people who come.
func (p *Parts) warn() {
	if !p.Config.Demo && p.Config.SMSWebhook == "" {
		p.Logger.Warn("no citizen can check in for the first time: set TRUYVET_SMS_WEBHOOK to your SMS gateway")
	}
	if missing := p.Config.FactorRolesMissing(); len(missing) > 0 {
		p.Logger.Warn("a password alone opens accounts that reach personal details or make accounts: leave TRUYVET_SECOND_FACTOR empty, or name them too",
			"roles", strings.Join(missing, ","))
	}
	if p.secure() && !p.Config.HTTPS() && len(p.Config.TrustedProxies) == 0 {
		p.Logger.Warn("behind a proxy all citizens seem to come from its address and share one limit: set TRUYVET_TRUSTED_PROXIES to the proxy's address")
	}
}

// secure says whether browsers reach the server over https, its own or that of a proxy.
func (p *Parts) secure() bool { return strings.HasPrefix(p.Config.BaseURL, "https://") }

// handler answers what people and machines ask for, with the sessions of those who have one. Watch is API.Watch of its API.
func (p *Parts) handler(demo *staff.Demo, board *telemetry.Board) (handler http.Handler, watch func(context.Context) error, err error) {
	engine, api, sessions, err := p.engine(demo, board)
	if err != nil {
		return nil, nil, err
	}
	withSession := sessions.LoadAndSave(engine)
	return p.hardened(api.Relieved(p.metrics.Answered, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sessionless(r.URL.Path) {
			engine.ServeHTTP(w, r)
			return
		}
		withSession.ServeHTTP(w, r)
	}))), api.Watch, nil
}

// engine puts the faces together. It must run inside the LoadAndSave of the sessions.
func (p *Parts) engine(demo *staff.Demo, board *telemetry.Board) (*gin.Engine, *httpapi.API, *scs.SessionManager, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // its answer believes X-Forwarded-Prefix of anybody
	if err := engine.SetTrustedProxies(p.Config.TrustedProxies); err != nil {
		return nil, nil, nil, fmt.Errorf("TRUYVET_TRUSTED_PROXIES: %w", err)
	}
	trusted, err := proxies(p.Config.TrustedProxies)
	if err != nil {
		return nil, nil, nil, err
	}
	sessions := scs.New()
	sessions.Store = p.Registry.Sessions()
	sessions.Lifetime = 12 * time.Hour
	sessions.Cookie.Name = "truyvet_session"
	sessions.Cookie.HttpOnly = true
	sessions.Cookie.SameSite = http.SameSiteLaxMode
	sessions.Cookie.Secure = p.secure()

	pages, err := webui.New(webui.Deps{
		Page: page.Deps{
			Areas: p.Places, Scans: p.taking, SignIns: p.Accounts, Ledger: p.Audit, Sessions: sessions, SealKey: p.Secrets.Page, Logger: p.Logger,
			Clock: p.Clock, Location: p.Location, BaseURL: p.Config.BaseURL, SecureCookies: p.secure(),
		},
		Visitor: visitor.Deps{
			Codes: p.taking, Proofs: p.Proofs, Credentials: p.Credentials, Erasures: p.Erasures, History: p.History, Notices: p.Registry,
			Dependants: p.Dependants, Declarations: p.Declared, Signer: p.Keys, Map: p.Places,
			Retention: p.Config.Retention(), ListAge: p.Config.ListAge(), OpenedDelay: p.Config.OpenedDelay(),
		},
		Owner: owner.Deps{
			Places: p.Places, PlaceFiles: p.PlaceFiles, Map: p.Places, Records: p.Registry, Printing: p.Printing, Turnout: p.Turnout,
			Devices: p.Accounts, Forms: p.Declared.Offered(),
		},
		Door:  door.Deps{Gate: p.Gate, PaceGate: p.limits.gate, Codes: p.taking, Map: p.Places, Turnout: p.Turnout, Trips: p.Trips, Declarations: p.Declared, Devices: p.Accounts},
		Desk:  desk.Deps{Cases: p.Cases, Traces: p.Cases, Audit: p.Audit, Declarations: p.Declared},
		Staff: staff.Deps{Accounts: p.Accounts, Places: p.Places, Map: p.Places, Records: p.Registry, Demo: demo},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	sessions.ErrorFunc = p.sessionFailed(pages)
	api := httpapi.New(httpapi.Deps{
		Ingest: p.taking, Verify: p.Credentials.Verify, CookieName: visitor.CredentialCookie, Keys: p.Keys, Logger: p.Logger,
		Ready:   func(ctx context.Context) (int, any) { return telemetry.Readiness(ctx, board) },
		Refused: p.metrics.Refused, Kept: p.Proofs.Kept, Browsers: pages,
		Tracing: p.Cases, Actor: pages.Actor, Clock: p.Clock, Location: p.Location,
		Gates: p.Accounts, PaceGate: p.limits.gate, Reception: p.Gate, Boxes: p.secrets.boxes, Drivers: p.Trips, Declarations: p.Declared, Check: p.Places.Check, Revoked: p.Places.RevokedFile,
		Places: p.Places, Turnout: p.Turnout,
		FindPlaces: p.Registry.SearchPlaces, PlaceFiles: p.PlaceFiles, Directory: p.Accounts,
	})
	isAPI := func(c *gin.Context) bool { return strings.HasPrefix(c.Request.URL.Path, "/api/") }
	fail := func(c *gin.Context, err error) {
		if isAPI(c) {
			httpapi.Fail(c, p.Logger, err)
			return
		}
		pages.Fail(c, err)
	}
	crossOrigin := http.NewCrossOriginProtection()
	if err := crossOrigin.AddTrustedOrigin(p.Config.BaseURL); err != nil {
		return nil, nil, nil, fmt.Errorf("TRUYVET_BASE_URL: %w", err)
	}
	engine.Use(httpapi.Logged(httpapi.Logging{
		Logger: p.Logger, Clock: p.Clock, Answered: p.metrics.Answered, Trusted: trusted,
	}), httpapi.Secured, httpapi.Recovered(p.Logger, fail), p.limits.guard(fail), func(c *gin.Context) {
		if err := crossOrigin.Check(c.Request); err != nil {
			fail(c, errCrossSite.Because(err))
			c.Abort()
		}
	})
	api.Register(engine)
	pages.Register(engine)
	engine.NoRoute(func(c *gin.Context) {
		if isAPI(c) {
			api.NotFound(c)
			return
		}
		pages.NotFound(c)
	})
	engine.NoMethod(func(c *gin.Context) {
		if isAPI(c) {
			api.MethodNotAllowed(c)
			return
		}
		pages.MethodNotAllowed(c)
	})
	return engine, api, sessions, nil
}

// proxies returns what says whether an address is one of the proxies in front, given as addresses and networks.
func proxies(list []string) (func(netip.Addr) bool, error) {
	networks := make([]netip.Prefix, len(list))
	for i, text := range list {
		network, err := netip.ParsePrefix(text)
		if address, errAddress := netip.ParseAddr(text); errAddress == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("TRUYVET_TRUSTED_PROXIES: %w", err)
		}
		networks[i] = network
	}
	return func(address netip.Addr) bool {
		return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address.Unmap()) })
	}, nil
}

// sessionless says whether a path is none of the staff's pages: scans, a citizen's pages and what is the same for all are
// answered without a look at the sessions.
func sessionless(path string) bool {
	if path == "/me" || path == "/notice" || path == "/screen" {
		return true
	}
	for _, prefix := range []string{
		"/api/v1/scans", "/api/v1/gate/scans", "/api/v1/gate/enrol", "/api/v1/check/", "/api/openapi.yaml", "/.well-known/", "/assets/", "/q/", "/Q/", "/check/", "/CHECK/", "/me/", "/healthz", "/readyz", "/favicon.ico", "/robots.txt", "/gate-offline.js",
	} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// errCrossSite answers a form that another site's page sent.
var errCrossSite = errs.New(errs.Forbidden, "cross_site", "This was sent from another site's page.")

// errSessions says that the registry did not answer for the sessions.
var errSessions = errs.Busy("sessions_unavailable", "It cannot be seen at this moment who is logged in.", 5*time.Second)

// sessionFailed answers, in place of the engine, a request whose session could not be read or kept.
func (p *Parts) sessionFailed(pages *webui.UI) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		answer := gin.New()
		answer.Use(httpapi.Secured)
		answer.NoRoute(func(c *gin.Context) { pages.Fail(c, errSessions.Because(err)) })
		answer.ServeHTTP(w, r)
	}
}

// every runs work now and then until ctx ends. What fails is tried again at the next turn; that it fails is logged once, and that it
// works again.
func (p *Parts) every(ctx context.Context, pause time.Duration, what string, work func(context.Context) error) {
	turn := time.NewTicker(pause)
	defer turn.Stop()
	failing := false
	for {
		switch err := work(ctx); {
		case err == nil && failing:
			p.Logger.Info("background work goes on", "what", what)
			failing = false
		case err != nil && !failing && ctx.Err() == nil:
			p.Logger.Error("background work failed, and is tried again and again", "what", what, "error", err)
			failing = true
		}
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
	}
}
