// Package printing draws the posters of many places into one file, in the background and within bounds.
package printing
