package imappoll

import "time"

// Limits are the numbers that bound polling.
type Limits struct {
	MailBytes int64 // largest mail that is taken; larger ones are parked
	RoomBytes int64 // mails in memory, of all mailboxes of the process together
	Chunk     int   // mails asked for by one FETCH
	InFlight  int   // mails of one mailbox that wait for their commit
	Dials     int   // connections being made at once, all mailboxes together; half of them to one host

	DialWithin   time.Duration // TCP, TLS and login, each
	Silence      time.Duration // a server that owes us an answer may be silent for so long
	CommandTime  time.Duration // a command without mail may take so long in all
	LeastRate    int64         // octets a second, below which reading a mail is given up
	AnswerBytes  int64         // what a server may send to one command, besides the mails asked for
	IdleAgain    time.Duration // IDLE is begun anew after so long (RFC 2177: less than 29 minutes)
	PollPlain    time.Duration // between polls where the server has no IDLE, unless the settings ask for less
	BusyPatience time.Duration // how long a fetched mail waits while the pipeline is busy

	BackoffFirst time.Duration // after the first failure; doubled by each further one
	BackoffMost  time.Duration
	RefusedFirst time.Duration // after the server refused our login: it may lock accounts
	RefusedMost  time.Duration

	SuspectAfter int           // connections lost at the same mail before it is set aside
	ParkAfter    int           // attempts on a mail before it is parked
	RetryFirst   time.Duration // before the second attempt on a bad mail; doubled by each further one
	RetryMost    time.Duration
	RetryAtOnce  int // bad mails tried again in one poll

	CheckEvery time.Duration // comparing the server's UIDs with the ledger
	DoubtEvery time.Duration // a folder is read again at most so often because it holds other mails than it did
	ActAtOnce  int           // UIDs marked, moved or deleted by one command

	Lease     time.Duration // of a process on its mailboxes
	Look      time.Duration // for mailboxes to claim, give back or start anew
	Report    time.Duration // writing how it goes
	UseEvery  time.Duration // writing how much was read with OAuth tokens
	LateSlack time.Duration // added to two intervals before a mailbox is late
}

// DefaultLimits suit a process with a thousand mailboxes.
var DefaultLimits = Limits{
	MailBytes: 64 << 20,
	RoomBytes: 32 << 20,
	Chunk:     200,
	InFlight:  256,
	Dials:     16,

	DialWithin:   30 * time.Second,
	Silence:      time.Minute,
	CommandTime:  2 * time.Minute,
	LeastRate:    4 << 10,
	AnswerBytes:  16 << 20,
	IdleAgain:    9 * time.Minute,
	PollPlain:    20 * time.Second,
	BusyPatience: 20 * time.Second,

	BackoffFirst: time.Second,
	BackoffMost:  5 * time.Minute,
	RefusedFirst: time.Minute,
	RefusedMost:  30 * time.Minute,

	SuspectAfter: 3,
	ParkAfter:    5,
	RetryFirst:   time.Minute,
	RetryMost:    24 * time.Hour,
	RetryAtOnce:  20,

	CheckEvery: time.Hour,
	DoubtEvery: time.Hour,
	ActAtOnce:  500,

	Lease:     30 * time.Second,
	Look:      5 * time.Second,
	Report:    2 * time.Second,
	UseEvery:  10 * time.Second,
	LateSlack: 30 * time.Second,
}
