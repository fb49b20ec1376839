package printing

// Kept returns how many drawings there are, done or not.
func (s *Service) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.drawings)
}
