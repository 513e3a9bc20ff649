package ingest

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest/mail"
)

// ownFields are added by our own receiving; the filter must not learn from them.
var ownFields = map[string]bool{"Return-Path": true, "Delivered-To": true, "X-Original-To": true}

// Evidence is what the filter is shown of a mail.
func Evidence(m *mail.Mail, e Envelope) classify.Document {
	d := classify.Document{
		Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		From: emails(m.From), ReplyTo: emails(m.ReplyTo), To: append(emails(m.To), emails(m.Cc)...),
	}
	ours := e.Door == DoorSMTP || e.Door == DoorLMTP // the first Received field is one that we put there
	for _, f := range m.Header {
		if ours && f.Name == "Received" {
			ours = false
			continue
		}
		if !ownFields[f.Name] {
			d.Header = append(d.Header, classify.Field{Name: f.Name, Value: f.Value})
		}
	}
	for i := range m.Parts {
		pt := &m.Parts[i]
		d.Parts = append(d.Parts, classify.PartInfo{
			ContentType: pt.ContentType, Filename: pt.Filename, Charset: pt.Charset, Size: int(pt.Size),
		})
	}
	return d
}

const storedSQL = `select id, raw_hash, size, envelope from message where workspace_id = $1 and id = any ($2)`

// Documents reads stored messages for the filter. Those that are not there, or cannot be read, are left out.
func (p *Pipeline) Documents(ctx context.Context, workspace uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]classify.Document, error) {
	type stored struct {
		ID       uuid.UUID `db:"id"`
		RawHash  []byte    `db:"raw_hash"`
		Size     int64     `db:"size"`
		Envelope Envelope  `db:"envelope"`
	}
	var list []stored
	err := p.db.InWorkspaceByKey(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, storedSQL, workspace, ids)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[stored])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read messages for the filter: %w", err)
	}
	group := make([]*job, len(list))
	for i, s := range list {
		group[i] = &job{workspace: workspace, id: s.ID, rawHash: [32]byte(s.RawHash), size: s.Size, envelope: s.Envelope}
	}
	p.readBack(ctx, workspace, group)
	found := make(map[uuid.UUID]classify.Document, len(group))
	for _, j := range group {
		m, err := p.parsed(ctx, j)
		if ctx.Err() != nil {
			return nil, err
		}
		if err == nil {
			found[j.id] = Evidence(m, j.envelope)
		}
	}
	return found, nil
}

func emails(list []mail.Address) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.Email)
	}
	return out
}
