package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/httpapi"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/webui"
)

// The pace of a server.
const (
	refreshEvery = 3 * time.Second  // how soon another process's revocation or place is known here
	purgeEvery   = time.Hour        // how often expired days are looked for
	drainTime    = 20 * time.Second // how long open requests have after a stop
)

// Serve answers on the listener until ctx ends; then it stops taking connections, lets open requests finish, and returns.
// The parts stay open. Demo may be nil.
func (p *Parts) Serve(ctx context.Context, listener net.Listener, demo *webui.Demo) error {
	handler, err := p.handler(demo)
	if err != nil {
		return err
	}
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
	defer background.Wait()
	defer stop()

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	p.Logger.Info("serving", "listen", listener.Addr().String(), "cluster", p.Config.Cluster(), "demo", p.Config.Demo)
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	p.Logger.Info("stopping: finishing open requests")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("finishing open requests: %w", err), server.Close())
	}
	return nil
}

// handler puts the faces together.
func (p *Parts) handler(demo *webui.Demo) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	if err := engine.SetTrustedProxies(p.Config.TrustedProxies); err != nil {
		return nil, fmt.Errorf("TRUYVET_TRUSTED_PROXIES: %w", err)
	}
	secure := strings.HasPrefix(p.Config.BaseURL, "https://")
	sessions := scs.New()
	sessions.Store = p.Registry.Sessions()
	sessions.Lifetime = 12 * time.Hour
	sessions.IdleTimeout = 2 * time.Hour
	sessions.Cookie.Name = "truyvet_session"
	sessions.Cookie.HttpOnly = true
	sessions.Cookie.SameSite = http.SameSiteLaxMode
	sessions.Cookie.Secure = secure

	pages, err := webui.New(webui.Deps{
		Codes: p.Ingest, Scans: p.Ingest, Proofs: p.Proofs, Credentials: p.Credentials, Pseudonyms: p.Pseudonyms,
		People: p.Registry, Places: p.Places, Map: p.Places, Records: p.Registry, Accounts: p.Accounts, Cases: p.Cases,
		Traces: p.Cases, Audit: p.Audit, Sessions: sessions, SealKey: p.Secrets.Page, Logger: p.Logger, Clock: p.Clock,
		Location: p.Location, BaseURL: p.Config.BaseURL, SecureCookies: secure, Demo: demo,
	})
	if err != nil {
		return nil, err
	}
	api := httpapi.New(httpapi.Deps{
		Ingest: p.Ingest, Verify: p.Credentials.Verify, CookieName: webui.CredentialCookie, Keys: p.Keys,
		Checks: p.checks(), Logger: p.Logger,
	})
	isAPI := func(c *gin.Context) bool { return strings.HasPrefix(c.Request.URL.Path, "/api/") }
	fail := func(c *gin.Context, err error) {
		if isAPI(c) {
			httpapi.Fail(c, p.Logger, err)
			return
		}
		pages.Fail(c, err)
	}
	engine.Use(httpapi.Logged(p.Logger, p.Clock), httpapi.Secured, httpapi.Recovered(p.Logger, fail))
	api.Register(engine)
	pages.Register(engine)
	engine.NoRoute(func(c *gin.Context) {
		if isAPI(c) {
			api.NotFound(c)
			return
		}
		pages.NotFound(c)
	})
	crossOrigin := http.NewCrossOriginProtection()
	if err := crossOrigin.AddTrustedOrigin(strings.TrimRight(p.Config.BaseURL, "/")); err != nil {
		return nil, fmt.Errorf("TRUYVET_BASE_URL: %w", err)
	}
	return crossOrigin.Handler(sessions.LoadAndSave(engine)), nil
}

// checks are what readiness asks.
func (p *Parts) checks() []httpapi.Check {
	return []httpapi.Check{
		{Name: "registry", Run: func(ctx context.Context) error { _, err := p.Registry.Revision(ctx); return err }},
		{Name: "scan_log", Run: func(ctx context.Context) error { _, err := p.Scans.Progress.Tail(ctx); return err }},
	}
}

// every runs work now and then until ctx ends. A failure is logged and tried again at the next turn.
func (p *Parts) every(ctx context.Context, pause time.Duration, what string, work func(context.Context) error) {
	turn := time.NewTicker(pause)
	defer turn.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			p.Logger.Error("background work failed", "what", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
	}
}

// purge drops the days that retention has ended.
func (p *Parts) purge(ctx context.Context) error {
	first := scan.DayOf(p.Clock().Add(-p.Config.Retention()).Unix())
	dropped, err := p.Scans.DropBefore(ctx, first)
	if err != nil {
		return fmt.Errorf("dropping expired days: %w", err)
	}
	for _, day := range dropped {
		p.Logger.Info("dropped the scans of a day", "day", day.String())
		if err := p.Audit.Append(ctx, "system", "purge", "scans/"+day.String(), ""); err != nil {
			return fmt.Errorf("auditing a purge: %w", err)
		}
	}
	if err := p.Registry.DropExpired(ctx, p.Clock().Unix()); err != nil {
		return fmt.Errorf("dropping expired one-time codes: %w", err)
	}
	return nil
}
