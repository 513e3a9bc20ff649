package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
)

// A Record is who did what, in its place in the chain.
type Record struct {
	Seq    int64          `json:"seq" doc:"Its place: counted from 1, without gaps."`
	At     time.Time      `json:"at"`
	Actor  string         `json:"actor" example:"admin"`
	Action string         `json:"action" example:"message.judge"`
	Target string         `json:"target" example:"message:0199d2a4-7c1e-7b44-9f6e-0d4c3b2a1908"`
	Detail map[string]any `json:"detail"`
	Hash   string         `json:"hash" doc:"SHA-256 over the hash before and this record, in hex."`
}

func (s *server) addAudit() {
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/audit", Tags: []string{"operation"},
		Summary: "Read the audit record", Description: "Oldest first. Each record is chained to the one before by its hash.",
	}, s.listAudit)
}

func (s *server) listAudit(ctx context.Context, workspace uuid.UUID, in *PageIn) (*pageOut[Record], error) {
	after, err := in.number()
	if err != nil {
		return nil, err
	}
	rows, err := s.desk.Audit(ctx, workspace, after, in.Size+1)
	if err != nil {
		return nil, err
	}
	list := make([]Record, 0, len(rows))
	for _, r := range rows {
		shown := Record{Seq: r.Seq, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Target: r.Target, Hash: hex.EncodeToString(r.Hash)}
		if err := json.Unmarshal(r.Detail, &shown.Detail); err != nil {
			return nil, err
		}
		list = append(list, shown)
	}
	same := func(r Record) Record { return r }
	return pageOf(ctx, in.Size, list, same, func(r Record) string { return strconv.FormatInt(r.Seq, 10) }), nil
}
