package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSettingsAreAllExplained holds the explained settings to the fields of Config.
func TestSettingsAreAllExplained(t *testing.T) {
	explained := []string{}
	for _, s := range Settings() {
		explained = append(explained, s.Name)
	}
	read := []string{"TRUYVET_CONFIG"}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("env"), ","); name != "" {
			read = append(read, name)
		}
	}
	slices.Sort(explained)
	slices.Sort(read)
	if !slices.Equal(explained, read) {
		t.Errorf("explained %v\nread      %v", explained, read)
	}
}
