package ingest

import (
	"strings"
	"sync"
	"time"

	"github.com/truyvet/truyvet/qrgen"
)

// maxCachedCodes bounds the cache: at about 300 bytes each, 30 MB when full.
const maxCachedCodes = 100_000

// codeCache remembers which tokens are authentic, so that the signature of a code on a wall is checked once and not with
// every scan. Only authentic tokens enter, so a flood of forged ones evicts nothing. Expiry and the state of the key are judged
// anew with every scan. Its keys are upper case, so that one code in many spellings is one entry.
type codeCache struct {
	keys *qrgen.KeySet

	mu     sync.RWMutex
	tokens map[string]qrgen.Token
}

func newCodeCache(keys *qrgen.KeySet) *codeCache {
	return &codeCache{keys: keys, tokens: make(map[string]qrgen.Token)}
}

// verify answers as qrgen.KeySet.Verify does where nothing is revoked, and may be called concurrently.
func (c *codeCache) verify(text string, at time.Time) (qrgen.Token, error) {
	if len(text) != qrgen.TokenLength {
		// Not a token, and no spelling of one: a character outside ASCII whose upper case is a letter of a token takes more
		// bytes than that letter, so that of the right length none matches.
		return c.keys.Verify(text, at, nil)
	}
	token, known := c.remembered(text)
	if !known {
		text = strings.ToUpper(text)
		token, known = c.remembered(text)
	}
	if known {
		return c.keys.Judge(token, at, nil)
	}
	token, err := c.keys.Verify(text, at, nil)
	if err == nil {
		c.remember(text, token)
	}
	return token, err
}

// remembered returns the authentic token of a text in upper case.
func (c *codeCache) remembered(text string) (qrgen.Token, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	token, known := c.tokens[text]
	return token, known
}

// remember adds a token and, in a full cache, lets go of one that the map's order picks: as good as at random, and
// whoever is dropped pays for one more check. The text is copied, for it may be a small part of a long request.
func (c *codeCache) remember(text string, token qrgen.Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tokens) >= maxCachedCodes {
		for other := range c.tokens {
			delete(c.tokens, other)
			break
		}
	}
	c.tokens[strings.Clone(text)] = token
}
