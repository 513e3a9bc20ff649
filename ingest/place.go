package ingest

import "github.com/google/uuid"

// placeRows are the columns of the UIDs that enter the ledger with a commit.
type placeRows struct {
	workspace, folder []uuid.UUID
	sourceKey         []string
	epoch             []int32
	uid               []int64
}

// placesOf gathers the places of the mails in a batch that came from an IMAP
// server.
func placesOf(batch []*pending) placeRows {
	var l placeRows
	for _, pe := range batch {
		for _, r := range pe.rows {
			at := r.job.place
			if at == nil {
				continue
			}
			l.workspace, l.sourceKey = append(l.workspace, r.job.workspace), append(l.sourceKey, r.job.sourceKey)
			l.folder, l.epoch, l.uid = append(l.folder, at.Folder), append(l.epoch, int32(at.Epoch)), append(l.uid, int64(at.UID))
		}
	}
	return l
}
