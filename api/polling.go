package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest/imappoll"
	"postroom/tickets"
)

// Polling is how a mailbox is polled by IMAP, and how that goes.
type Polling struct {
	MailboxID string          `json:"mailbox_id"`
	Settings  PollingSettings `json:"settings"`
	State     string          `json:"state" enum:"new,connecting,catching_up,watching,waiting,refused"`
	StateAt   time.Time       `json:"state_at" doc:"Since when."`
	PolledAt  *time.Time      `json:"polled_at" doc:"When everything was taken last."`
	Backlog   int64           `json:"backlog" doc:"Mails seen at the server and not taken yet."`
	Taken     int64           `json:"taken" doc:"Mails taken since it was set up."`
	Failures  int             `json:"failures" doc:"Polls that failed, one after the other."`
	Reason    string          `json:"reason" doc:"Of the last failure."`
	Held      bool            `json:"held" doc:"Whether a process polls it."`
	Folders   []PolledFolder  `json:"folders"`
}

// A PolledFolder is a folder as it stands.
type PolledFolder struct {
	Name      string     `json:"name"`
	Role      string     `json:"role" enum:"inbox,sent,junk"`
	CheckedAt *time.Time `json:"checked_at" doc:"When server and ledger were compared last."`
	OnServer  int64      `json:"on_server" doc:"Mails that the server had then."`
	InLedger  int64      `json:"in_ledger" doc:"And how many of them are accounted for."`
}

// PollingSettings are where a mailbox is polled, and how.
type PollingSettings struct {
	Host      string          `json:"host" example:"imap.example.com"`
	Port      int             `json:"port,omitempty" doc:"993, or 143 with starttls, when left out."`
	Security  string          `json:"security,omitempty" enum:"tls,starttls,none" default:"tls" doc:"none only for a server on the same machine."`
	Auth      string          `json:"auth,omitempty" enum:"password,oauth" default:"password"`
	Username  string          `json:"username" example:"support@example.com"`
	Password  string          `json:"password,omitempty" writeOnly:"true" doc:"Never shown; left out it stays as it is."`
	Since     *time.Time      `json:"since,omitempty" doc:"Of what lies there at first only mail received after this is taken; everything when left out."`
	MarkSeen  bool            `json:"mark_seen,omitempty" doc:"Once the mail is stored."`
	After     string          `json:"after,omitempty" enum:"keep,move,delete" default:"keep" doc:"What is done at the server after the grace period."`
	MoveTo    string          `json:"move_to,omitempty" doc:"A folder, with move."`
	GraceDays float64         `json:"grace_days,omitempty" minimum:"0" doc:"Days from the commit to the move or deletion."`
	PollEvery int             `json:"poll_every_seconds,omitempty" minimum:"0" doc:"60 when left out. Where the server tells of news by itself this is only the safety net."`
	Disabled  bool            `json:"disabled,omitempty"`
	Folders   []FolderSetting `json:"folders,omitempty" doc:"INBOX when left out." maxItems:"50"`
}

// A FolderSetting is a folder to be polled.
type FolderSetting struct {
	Name  string `json:"name" example:"INBOX"`
	Role  string `json:"role,omitempty" enum:"inbox,sent,junk" default:"inbox" doc:"What it holds. Sent mail joins its tickets and opens none; junk is held as spam."`
	Learn bool   `json:"learn,omitempty" doc:"Of a junk folder: the filter learns what lies there as spam, weakly."`
}

func (b PollingSettings) settings() imappoll.Settings {
	s := imappoll.Settings{
		Server: imappoll.Server{
			Host: b.Host, Port: b.Port, Security: imappoll.Security(b.Security), Auth: imappoll.Auth(b.Auth), Username: b.Username,
		},
		Password: b.Password, Since: b.Since, MarkSeen: b.MarkSeen, After: imappoll.After(b.After), MoveTo: b.MoveTo,
		Grace: time.Duration(b.GraceDays * float64(24*time.Hour)), PollEvery: time.Duration(b.PollEvery) * time.Second, Enabled: !b.Disabled,
	}
	for _, f := range b.Folders {
		s.Folders = append(s.Folders, imappoll.FolderSetting{Name: f.Name, Role: imappoll.Role(f.Role), Learn: f.Learn})
	}
	return s
}

func showPolling(a *imappoll.Account) Polling {
	p := Polling{
		MailboxID: a.Mailbox.String(), State: string(a.State), StateAt: a.StateAt.UTC(), PolledAt: utc(a.PolledAt), Backlog: a.Backlog,
		Taken: a.Taken, Failures: a.Status.Failures, Reason: a.Reason, Held: a.Held, Folders: []PolledFolder{},
		Settings: PollingSettings{
			Host: a.Host, Port: a.Port, Security: string(a.Security), Auth: string(a.Auth), Username: a.Username, Since: utc(a.Since),
			MarkSeen: a.MarkSeen, After: string(a.After), MoveTo: a.MoveTo, GraceDays: a.Grace.Hours() / 24,
			PollEvery: int(a.PollEvery.Seconds()), Disabled: !a.Enabled,
		},
	}
	for _, f := range a.Folders {
		p.Folders = append(p.Folders, PolledFolder{f.Name, string(f.Role), utc(f.CheckedAt), f.OnServer, f.InLedger})
		p.Settings.Folders = append(p.Settings.Folders, FolderSetting{f.Name, string(f.Role), f.Learn})
	}
	return p
}

type (
	boxIn struct {
		Mailbox string `path:"mailbox" doc:"The mailbox's id."`
	}
	pollingIn struct {
		Mailbox string `path:"mailbox" doc:"The mailbox's id."`
		Matched
	}
	putPollingIn struct {
		Mailbox string `path:"mailbox" doc:"The mailbox's id."`
		Body    PollingSettings
	}
	testPollingIn struct {
		Mailbox string `path:"mailbox" doc:"The mailbox's id."`
		Body    struct {
			PollingSettings
			Sending *SendingServer `json:"sending,omitempty" doc:"Try to log in for sending, too; nothing is sent."`
		}
	}
	discoverIn struct {
		Address string `query:"address" required:"true" doc:"Of the mailbox." example:"support@example.com"`
	}
)

func (s *server) addPolling() {
	tags := []string{"polling"}
	const path = "/mailboxes/{mailbox}/polling"
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-polling", Method: http.MethodGet, Path: path, Tags: tags, Summary: "Read how a mailbox is polled",
	}, s.getPolling)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "put-polling", Method: http.MethodPut, Path: path, Tags: tags, Summary: "Have a mailbox polled by IMAP",
		Description: "From now on, or in another way than before. Folders that were polled before go on where they were.",
	}, s.putPolling)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "delete-polling", Method: http.MethodDelete, Path: path, Tags: tags, Summary: "Stop polling a mailbox",
		Description: "Its password is erased; its mail stays.", DefaultStatus: http.StatusNoContent,
	}, s.deletePolling)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "test-polling", Method: http.MethodPost, Path: path + "/test", Tags: tags, Summary: "Test a mailbox's settings",
		Description: "Step by step, in words, with what would be imported. Nothing is stored, and nothing changed at the server.",
	}, s.testPolling)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "poll-now", Method: http.MethodPost, Path: path + "/poll", Tags: tags, Summary: "Poll a mailbox now",
		Description: "If another process polls it, the answer is conflict.", DefaultStatus: http.StatusAccepted,
	}, s.pollNow)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "reconcile-polling", Method: http.MethodGet, Path: path + "/reconciliation", Tags: tags,
		Summary: "Compare a mailbox's server with the ledger", Description: "UID by UID, over a connection of its own.",
	}, s.reconcile)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "discover-servers", Method: http.MethodGet, Path: "/polling-servers", Tags: tags, Summary: "Find the server of an address",
		Description: "The likeliest first: what is known, what the domain itself says, what its mail exchanger tells, and guesses.",
	}, s.discover)
}

// polled returns the mailbox of a path, if this installation polls at all.
func (s *server) polled(ctx context.Context, workspace uuid.UUID, named string) (tickets.Mailbox, error) {
	if s.poller == nil {
		return tickets.Mailbox{}, tickets.ErrNotFound
	}
	return s.mailbox(ctx, workspace, named)
}

func (s *server) getPolling(ctx context.Context, workspace uuid.UUID, in *pollingIn) (*single[Polling], error) {
	box, err := s.polled(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	a, err := s.poller.Account(ctx, workspace, box.ID)
	if err != nil {
		return nil, err
	}
	return one(in.Matched, showPolling(a))
}

func (s *server) putPolling(ctx context.Context, workspace uuid.UUID, in *putPollingIn) (*changed[Polling], error) {
	box, err := s.polled(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	if err := s.poller.Put(ctx, auth.From(ctx).Actor, workspace, box.ID, in.Body.settings()); err != nil {
		return nil, err
	}
	a, err := s.poller.Account(ctx, workspace, box.ID)
	if err != nil {
		return nil, err
	}
	return &changed[Polling]{showPolling(a)}, nil
}

func (s *server) deletePolling(ctx context.Context, workspace uuid.UUID, in *boxIn) (*struct{}, error) {
	box, err := s.polled(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	return nil, s.poller.Drop(ctx, auth.From(ctx).Actor, workspace, box.ID)
}

func (s *server) pollNow(ctx context.Context, workspace uuid.UUID, in *boxIn) (*struct{}, error) {
	box, err := s.polled(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	return nil, s.poller.PollNow(box.ID)
}

// PollingTest is how far a connection came.
type PollingTest struct {
	OK      bool            `json:"ok"`
	Idle    bool            `json:"idle" doc:"The server tells of new mail by itself."`
	Steps   []TestStep      `json:"steps"`
	Folders []FolderPreview `json:"folders"`
}

// A SendingServer is where the mailbox's owner hands mail in.
type SendingServer struct {
	Host     string `json:"host,omitempty" doc:"Left out for Google and Microsoft." example:"smtp.example.com"`
	Port     int    `json:"port,omitempty" doc:"465 with tls, 587 with starttls when left out."`
	Security string `json:"security,omitempty" enum:"tls,starttls,none" doc:"tls when left out; none only on this machine."`
}

// A TestStep is one step of it.
type TestStep struct {
	Step  string `json:"step" enum:"connect,secure,login,folders,send"`
	OK    bool   `json:"ok"`
	Words string `json:"words" doc:"What happened, for people."`
}

// A FolderPreview is what a folder holds.
type FolderPreview struct {
	Name     string `json:"name"`
	Role     string `json:"role" enum:"inbox,sent,junk"`
	Mails    int    `json:"mails"`
	ToImport int    `json:"to_import" doc:"By the settings that were tested."`
}

func (s *server) testPolling(ctx context.Context, workspace uuid.UUID, in *testPollingIn) (*changed[PollingTest], error) {
	box, err := s.polled(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	trial := imappoll.Trial{Settings: in.Body.settings()}
	if to := in.Body.Sending; to != nil {
		trial.Sending = &imappoll.Server{Host: to.Host, Port: to.Port, Security: imappoll.Security(to.Security)}
	}
	probe, err := s.poller.Test(ctx, workspace, box.ID, trial)
	if err != nil {
		return nil, err
	}
	t := PollingTest{OK: probe.OK(), Idle: probe.Idle, Steps: []TestStep{}, Folders: []FolderPreview{}}
	for _, st := range probe.Steps {
		t.Steps = append(t.Steps, TestStep{st.Step, st.OK, st.Words})
	}
	for _, f := range probe.Folders {
		t.Folders = append(t.Folders, FolderPreview{f.Folder, string(f.Role), f.Mails, f.ToImport})
	}
	return &changed[PollingTest]{t}, nil
}

// A FolderReconciliation compares a folder of the server with the ledger.
type FolderReconciliation struct {
	Folder      string       `json:"folder"`
	OnServer    int          `json:"on_server"`
	InLedger    int          `json:"in_ledger"`
	Stored      int          `json:"stored"`
	Before      int          `json:"before" doc:"Mail from before the mailbox was set up."`
	SetAside    int          `json:"set_aside" doc:"Mail that cannot be read at the server."`
	Pending     int          `json:"pending" doc:"Mail that is on its way."`
	Gone        int          `json:"gone" doc:"Stored mail that the server does not have any more."`
	Differences []Difference `json:"differences" doc:"The first thousand."`
}

// A Difference is one UID about which they do not agree.
type Difference struct {
	UID  uint32 `json:"uid"`
	What string `json:"what"`
}

// maxDifferences bounds an answer.
const maxDifferences = 1000

func (s *server) reconcile(ctx context.Context, workspace uuid.UUID, in *boxIn) (*changed[[]FolderReconciliation], error) {
	box, err := s.polled(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	list, err := s.poller.Reconcile(ctx, workspace, box.ID)
	if err != nil {
		return nil, err
	}
	out := []FolderReconciliation{}
	for _, r := range list {
		f := FolderReconciliation{r.Folder, r.OnServer, r.InLedger, r.Stored, r.Before, r.SetAside, r.Pending, r.Gone, []Difference{}}
		for _, d := range r.Differences[:min(len(r.Differences), maxDifferences)] {
			f.Differences = append(f.Differences, Difference{d.UID, d.What})
		}
		out = append(out, f)
	}
	return &changed[[]FolderReconciliation]{out}, nil
}

// A MailServer is where an address may be polled.
type MailServer struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Security string `json:"security" enum:"tls,starttls"`
	Auth     string `json:"auth" enum:"password,oauth"`
	Username string `json:"username"`
	Provider string `json:"provider" enum:",google,microsoft" doc:"Whose consent is needed, when it is one of them."`
	From     string `json:"from" doc:"How it was found."`
}

func (s *server) discover(ctx context.Context, _ uuid.UUID, in *discoverIn) (*changed[[]MailServer], error) {
	list, err := imappoll.Discovery{}.Find(ctx, in.Address)
	if err != nil {
		return nil, err
	}
	out := []MailServer{}
	for _, c := range list {
		out = append(out, MailServer{c.Host, c.Port, string(c.Security), string(c.Auth), c.Username, c.Provider, c.From})
	}
	return &changed[[]MailServer]{out}, nil
}
