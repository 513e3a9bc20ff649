package ingest

import (
	"time"

	"postroom/ingest/mail"
)

// Limits are the numbers that bound the pipeline. Reaching one is a normal
// outcome: the sender keeps its mail, or the message is held with that cause.
type Limits struct {
	MessageBytes int64       // largest mail that is accepted (RFC 1870)
	Budget       mail.Budget // what reading one message may cost

	Writers      int           // group commits at once
	CommitRows   int           // messages in one commit
	CommitBytes  int64         // sealed bytes in one commit
	WaitingBytes int64         // offered bytes not yet committed; beyond it Accept is busy
	AcceptWithin time.Duration // how long Accept may wait for its commit before it is busy

	Workers      int           // batches carried through the stages at once
	HandOff      int           // messages kept in memory from their commit to their end
	HandOffBytes int64         // and their bytes
	KeepBytes    int64         // a larger mail is not kept: it is read back chunk by chunk
	Batch        int           // messages filed in one transaction
	BatchBytes   int64         // and their bytes
	Rush         int           // offers in two commits running that are a sign of a rush, which comes in first and is filed later
	RushWait     time.Duration // by as much at most
	Lease        time.Duration // how long a claim holds
	Attempts     int           // after so many a message is a dead letter
	BackoffFirst time.Duration // before the second attempt; doubled before each further one
	BackoffMost  time.Duration

	Poll       time.Duration // looking for due messages when nobody tells
	QueueLong  int64         // waiting messages beyond which Accept is busy
	DiskLow    int64         // free bytes below which Accept is busy; more than WaitingBytes, and on a small disk an eighth of it
	SearchText int           // bytes of a message's text that are searchable
	SearchWait time.Duration // how long indexing gives way to mail that comes in
}

// DefaultLimits are sized for a machine of two cores.
var DefaultLimits = Limits{
	MessageBytes: 64 << 20,
	Budget:       mail.DefaultBudget,

	Writers:      1,
	CommitRows:   256,
	CommitBytes:  8 << 20,
	WaitingBytes: 256 << 20,
	AcceptWithin: 20 * time.Second,

	Workers:      2,
	HandOff:      4096,
	HandOffBytes: 64 << 20,
	KeepBytes:    1 << 20,
	Batch:        200,
	BatchBytes:   16 << 20,
	Rush:         12,
	RushWait:     400 * time.Millisecond,
	Lease:        time.Minute,
	Attempts:     10,
	BackoffFirst: time.Second,
	BackoffMost:  10 * time.Minute,

	Poll:       time.Second,
	QueueLong:  200_000,
	DiskLow:    512 << 20,
	SearchText: 8_000,
	SearchWait: 30 * time.Second,
}
