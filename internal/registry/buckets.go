package registry

// Bucket is how often something may be done that all processes count together: Burst times at once, and from then on once more
// each Every seconds. Both are positive. It is kept as the instant at which it is full again (the generic cell rate algorithm,
// ITU-T I.371); Key says nothing to who reads it.
type Bucket struct {
	Key          []byte
	Burst, Every int64
}

// LatestFull returns the latest instant at which a bucket may be full again from which one can be taken at now.
func (b Bucket) LatestFull(now int64) int64 { return now + (b.Burst-1)*b.Every }
