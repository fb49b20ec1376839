package staff

import (
	"fmt"
	"sync"
	"time"
)

// failureEvery is how often failed log-ins are entered in the audit log at the most. Anybody can fail to log in, without end;
// the audit log is kept for good, and each of its entries waits for the disk.
const failureEvery = time.Minute

// failures counts failed log-ins. The first is entered at once, and those of the minute that follows together with the next
// one after it, or with the next log-in that succeeds. The zero value is ready. It is safe for concurrent use.
type failures struct {
	mu      sync.Mutex
	entered time.Time // when the last entry was made
	more    int       // that have failed since
}

// add counts a failure. Where it is due, it returns the detail of the entry to make.
func (f *failures) add(now time.Time) (detail string, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since := now.Sub(f.entered); since >= 0 && since < failureEvery {
		f.more++
		return "", false
	}
	f.entered = now
	return f.take(), true
}

// rest returns the detail of an entry for the failures that have none yet, if there are any.
func (f *failures) rest() (detail string, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	due = f.more > 0
	return f.take(), due
}

// take returns what to say of those that have no entry. The caller holds the lock.
func (f *failures) take() string {
	more := f.more
	f.more = 0
	if more == 0 {
		return ""
	}
	return fmt.Sprintf("%d more since the entry before", more)
}
