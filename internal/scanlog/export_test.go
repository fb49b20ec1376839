package scanlog

// Queued returns how many scans wait or are being committed.
func (g *Group) Queued() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queued
}
