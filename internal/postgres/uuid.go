package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerUUID teaches a connection to send and read uuid.UUID as the sixteen
// bytes that it is. Left alone, pgx goes by its text form and a reflective
// detour, which was a seventh of the pipeline's CPU.
func registerUUID(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{wrapUUIDToSend}, m.TryWrapEncodePlanFuncs...)
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{wrapUUIDToRead}, m.TryWrapScanPlanFuncs...)
	for name, value := range map[string]any{"uuid": uuid.UUID{}, "_uuid": []uuid.UUID{}} {
		m.RegisterDefaultPgType(value, name)
	}
}

// sent is a UUID on its way to the server.
type sent uuid.UUID

// UUIDValue returns the value in pgx's terms.
func (s sent) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: s, Valid: true}, nil }

// received is the place for a UUID from the server.
type received uuid.UUID

// ScanUUID sets the value; a null becomes the zero UUID.
func (r *received) ScanUUID(v pgtype.UUID) error {
	*r = v.Bytes
	return nil
}

type sendPlan struct{ next pgtype.EncodePlan }

func (p *sendPlan) SetNext(next pgtype.EncodePlan) { p.next = next }
func (p *sendPlan) Encode(value any, buf []byte) ([]byte, error) {
	return p.next.Encode(sent(value.(uuid.UUID)), buf)
}

func wrapUUIDToSend(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
	u, ok := value.(uuid.UUID)
	return &sendPlan{}, sent(u), ok
}

type readPlan struct{ next pgtype.ScanPlan }

func (p *readPlan) SetNext(next pgtype.ScanPlan) { p.next = next }
func (p *readPlan) Scan(src []byte, dst any) error {
	return p.next.Scan(src, (*received)(dst.(*uuid.UUID)))
}

func wrapUUIDToRead(target any) (pgtype.WrappedScanPlanNextSetter, any, bool) {
	u, ok := target.(*uuid.UUID)
	return &readPlan{}, (*received)(u), ok
}
