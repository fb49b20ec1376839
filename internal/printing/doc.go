// Package printing draws the posters of many places into one file, in the background and within bounds.
//
// An order stands in the registry, so that whichever server is asked can draw it, also after a restart: drawing is a function of
// the order, the places and their codes. What is drawn is kept for a while in files that have no name, which vanish with the
// process, however it ends.
package printing
