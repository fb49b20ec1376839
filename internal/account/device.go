package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/truyvet/truyvet/internal/registry"
)

// The form of a device's key.
const (
	deviceKeySize   = 32
	deviceKeyPrefix = "tvg_"
)

// EnrolDevice makes the device in whose hands the invitation of a gate or a screen is that gate or screen, under a login of its
// own, and returns its key, which is kept nowhere else. The key is good for scanning at that one place, or for showing its code,
// until the account is disabled. The errors: those of Open, and ErrRole for an invitation that is for no device.
func (s *Service) EnrolDevice(ctx context.Context, token, address string) (a registry.Account, key string, err error) {
	i, err := s.Open(ctx, token, address)
	if err != nil {
		return registry.Account{}, "", err
	}
	if !IsDevice(i.Role) {
		return registry.Account{}, "", ErrRole
	}
	random := make([]byte, deviceKeySize)
	if _, err := rand.Read(random); err != nil {
		return registry.Account{}, "", fmt.Errorf("enrolling a device: %w", err)
	}
	key = deviceKeyPrefix + base64.RawURLEncoding.EncodeToString(random)
	a = wishOf(i.Invitation).account()
	a.Login, a.Created = string(a.Role)+"-"+strings.ToLower(rand.Text()[:8]), s.clock().Unix()
	if a, err = s.accept(ctx, i.Invitation, a, keyHash(key)); err != nil {
		return registry.Account{}, "", err
	}
	return a, key, nil
}

func keyHash(key string) []byte {
	sum := sha256.Sum256([]byte("truyvet/device/v1 " + key))
	return sum[:]
}

// Device returns the gate of a device's key; ErrNotLoggedIn where there is none, or it was revoked.
func (s *Service) Device(ctx context.Context, key string) (registry.Account, error) {
	return s.deviceOf(ctx, key, registry.RoleGate)
}

// Screen returns the screen of a device's key; ErrNotLoggedIn where there is none, or it was revoked.
func (s *Service) Screen(ctx context.Context, key string) (registry.Account, error) {
	return s.deviceOf(ctx, key, registry.RoleScreen)
}

func (s *Service) deviceOf(ctx context.Context, key string, role registry.Role) (registry.Account, error) {
	if len(key) != len(deviceKeyPrefix)+base64.RawURLEncoding.EncodedLen(deviceKeySize) || !strings.HasPrefix(key, deviceKeyPrefix) {
		return registry.Account{}, ErrNotLoggedIn
	}
	a, err := s.store.AccountOfKey(ctx, keyHash(key))
	switch {
	case errors.Is(err, registry.ErrNotFound), err == nil && (a.Disabled || a.Role != role):
		return registry.Account{}, ErrNotLoggedIn
	case err != nil:
		return registry.Account{}, fmt.Errorf("finding the device of a key: %w", err)
	}
	return withoutHash(a), nil
}
