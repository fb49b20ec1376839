package chdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// install is the command that fetches the library.
const install = "deploy/dev/chdb.sh"

// libraryPath is where install puts the library; TRUYVET_CHDB names another one.
func libraryPath() (string, error) {
	if path := os.Getenv("TRUYVET_CHDB"); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return filepath.Join(cache, "truyvet", "chdb", "node_modules", "@chdb", "lib-"+runtime.GOOS+"-"+arch+"-gnu", "libchdb.so"), nil
}

// library is the functions of libchdb.so that are needed, by the names of its header chdb.h.
type library struct {
	setSignalHandlers  func(enabled int32)
	connect            func(argc int32, argv **byte) *unsafe.Pointer
	closeConn          func(conn *unsafe.Pointer)
	query              func(conn unsafe.Pointer, query *byte, queryLength uintptr, format *byte, formatLength uintptr) unsafe.Pointer
	resultBuffer       func(result unsafe.Pointer) unsafe.Pointer
	resultLength       func(result unsafe.Pointer) uintptr
	resultError        func(result unsafe.Pointer) string
	destroyQueryResult func(result unsafe.Pointer)
}

func load() (*library, error) {
	path, err := libraryPath()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("chDB is not installed; install it with: %s", install)
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading chDB: %w", err)
	}
	var l library
	for name, function := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConn,
		"chdb_query_n":                     &l.query,
		"chdb_result_buffer":               &l.resultBuffer,
		"chdb_result_length":               &l.resultLength,
		"chdb_result_error":                &l.resultError,
		"chdb_destroy_query_result":        &l.destroyQueryResult,
	} {
		purego.RegisterLibFunc(function, handle, name)
	}
	return &l, nil
}
