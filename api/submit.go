package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/ingest"
	"postroom/tickets"
)

// mailType is a raw mail's content type, RFC 2046 §5.2.1.
const mailType = "message/rfc822"

// submitIn is a raw mail. Its bytes come past the library, which would copy them
// into a buffer that it uses again.
type submitIn struct {
	Mailbox string `path:"mailbox" doc:"The mailbox's id."`

	raw  []byte
	peer string
	key  string
}

// Resolve takes what an operation cannot otherwise see of a request.
func (in *submitIn) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	in.raw, in.peer, in.key = bodyOf(r), r.RemoteAddr, r.Header.Get(keyHeader)
	return nil
}

// An Acceptance says that a mail is ours from now on.
type Acceptance struct {
	Status    string `json:"status" enum:"accepted"`
	MailboxID string `json:"mailbox_id"`
	SourceKey string `json:"source_key" doc:"The source_key of the message that it becomes."`
	Size      int64  `json:"size" doc:"In octets."`
	SHA256    string `json:"sha256" doc:"Of the raw mail, in hex."`
}

func (s *server) addSubmit() {
	addIn(s, auth.Submit, huma.Operation{
		OperationID: "submit-message", Method: http.MethodPost, Path: "/mailboxes/{mailbox}/messages", Tags: []string{"messages"},
		Summary: "Hand in a raw mail",
		Description: "The body is the mail (RFC 5322). 202 means that it is stored for good and goes the way of all mail; " +
			"until then it is yours, so on 503 keep it and try again under the same Idempotency-Key.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: s.mailBytes,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			mailType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
	}, s.submitMessage)
}

func (s *server) submitMessage(ctx context.Context, workspace uuid.UUID, in *submitIn) (*changed[Acceptance], error) {
	box, err := s.mailbox(ctx, workspace, in.Mailbox)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(in.raw)) == 0 {
		return nil, &tickets.InvalidError{Field: "body", Reason: "there is no mail in it; send the raw mail, header and text"}
	}
	sum := sha256.Sum256(in.raw)
	source := in.source(sum)
	err = s.pipeline.Accept(ctx, ingest.Offer{
		Raw:      in.raw,
		Envelope: ingest.Envelope{Door: ingest.DoorAPI, Peer: in.peer, Session: requestOf(ctx).id},
		To:       []ingest.Recipient{{Workspace: workspace, Mailbox: box.ID, Address: box.Address, SourceKey: source}},
	})
	if err != nil {
		return nil, err
	}
	return &changed[Acceptance]{Acceptance{
		Status: "accepted", MailboxID: box.ID.String(), SourceKey: source,
		Size: int64(len(in.raw)), SHA256: hex.EncodeToString(sum[:]),
	}}, nil
}

// source names the delivery. The mail's hash is part of it: a key that is used
// again after its day, for another mail, must not make that one vanish.
func (in *submitIn) source(sum [32]byte) string {
	if in.key == "" {
		return "api:" + uuid.Must(uuid.NewV7()).String()
	}
	return "api:" + in.Mailbox + ":" + hex.EncodeToString(sum[:8]) + ":" + in.key
}
