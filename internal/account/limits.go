package account

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/ratelimit"
)

// The limits of guessing. Nothing is ever locked: a limit that is reached refills by itself, and each is held against who
// guesses rather than against whom it is about.
//
// A browser in which a login got in before is known by a cookie, and has limits of its own that no stranger can use up. A
// stranger has those of the address, of the login from that address, and of the login from everywhere; the last is the one
// that many addresses together reach: after a hundred tries it leaves 8,640 a day, and keeps nobody out whose browser is
// known. The limits in total keep the processors for scans. (OWASP Cheat Sheet Series, Authentication and Credential
// Stuffing Prevention; "device cookies".)
var (
	triesPerAddress = ratelimit.Rule{Burst: 60, Every: 2 * time.Second}
	triesPerPair    = ratelimit.Rule{Burst: 10, Every: 10 * time.Second}
	triesPerLogin   = ratelimit.Rule{Burst: 100, Every: 10 * time.Second}
	triesPerBrowser = ratelimit.Rule{Burst: 10, Every: 10 * time.Second}
	triesInTotal    = ratelimit.Rule{Burst: 100, Every: 50 * time.Millisecond}

	// A code of six digits is guessed for somebody whose password is known already: at three good ones at a time, these are
	// less than 0.1 % a day.
	triesPerCode = ratelimit.Rule{Burst: 5, Every: 5 * time.Minute}
	// A password asked for again is guessed from within a session.
	triesPerProof = ratelimit.Rule{Burst: 5, Every: time.Minute}
	// A token of 100 bits is not guessed; this keeps the registry from being asked in vain.
	triesPerToken = ratelimit.Rule{Burst: 20, Every: 5 * time.Second}
	// Somebody reads each application.
	applicationsPerAddress = ratelimit.Rule{Burst: 5, Every: 10 * time.Minute}
	applicationsInTotal    = ratelimit.Rule{Burst: 100, Every: time.Minute}
)

// limits hold guessing within bounds. What guards a password or a code, and those who read applications, is counted over all processes
// that share the registry; what only keeps the processors free, in this process alone.
type limits struct {
	pairs, logins, browsers, codes, proofs, applications, unplaced *ratelimit.Shared
	addresses, tokens                                              *ratelimit.Limiter
}

func newLimits(d ratelimit.SharedDeps) *limits {
	limit := func(name string, perKey ratelimit.Rule) *ratelimit.Shared {
		return ratelimit.NewShared(d, name, perKey, triesInTotal)
	}
	return &limits{
		pairs: limit("pair", triesPerPair), logins: limit("login", triesPerLogin), browsers: limit("browser", triesPerBrowser),
		codes: limit("second factor", triesPerCode), proofs: limit("password", triesPerProof),
		addresses: ratelimit.New(triesPerAddress, triesInTotal, d.Clock), tokens: ratelimit.New(triesPerToken, triesInTotal, d.Clock),
		applications: ratelimit.NewShared(d, "application", applicationsPerAddress, applicationsInTotal),
		unplaced:     ratelimit.NewShared(d, "application from anywhere", applicationsInTotal, applicationsInTotal),
	}
}

// takeLogin counts a try at a login.
func (l *limits) takeLogin(ctx context.Context, login, address string, browser uuid.UUID) (wait time.Duration, err error) {
	if browser != uuid.Nil {
		return l.browsers.Take(ctx, login+" "+browser.String())
	}
	network := networkOf(address)
	if network != "" {
		if wait := l.addresses.Take(network); wait > 0 {
			return wait, nil
		}
	}
	// A login that is exhausted is not counted against the address, and one address does not exhaust it.
	if wait, err := l.logins.Wait(ctx, login); err != nil || wait > 0 {
		return wait, err
	}
	if wait, err := l.pairs.Take(ctx, login+" "+network); err != nil || wait > 0 {
		return wait, err
	}
	return l.logins.Take(ctx, login)
}

// forgiveLogin gives who got in all tries back, at that address or browser; what others have used of the login's stays.
func (l *limits) forgiveLogin(ctx context.Context, login, address string, browser uuid.UUID) error {
	if browser != uuid.Nil {
		return l.browsers.Forgive(ctx, login+" "+browser.String())
	}
	return l.pairs.Forgive(ctx, login+" "+networkOf(address))
}

// codeKey is what tries at a second factor are counted by. Strangers share a bucket: the login is kept open by its known browsers.
func codeKey(try CodeAttempt) string { return try.Account.String() + " " + try.Browser.String() }

// takeToken counts a token that was presented. Where its address says nothing of who does, there is no limit: a token costs no more than
// any page, and one who presents many would keep out everybody else.
func (l *limits) takeToken(address string) (wait time.Duration) {
	if network := networkOf(address); network != "" {
		return l.tokens.Take(network)
	}
	return 0
}

// takeApplication counts an application. All those whose address says nothing of who applies are held together to as many as may come
// in total, for a limit of one address would let one of them shut out the others.
func (l *limits) takeApplication(ctx context.Context, address string) (wait time.Duration, err error) {
	if network := networkOf(address); network != "" {
		return l.applications.Take(ctx, network)
	}
	return l.unplaced.Take(ctx, "")
}

// networkOf returns whom an address stands for: of IPv6 the network of 64 bits, in which one sender has every address. It is
// empty for this machine's own, behind which stands a proxy that is not trusted yet and so everybody, and for what is none.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().IsLoopback() {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ""
	}
	return network.String()
}
