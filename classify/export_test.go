package classify

import (
	"context"

	"github.com/google/uuid"
)

// UseClosedForm has the Bayes member computed without its library, as the tests' oracle does.
func (t *Trial) UseClosedForm(on bool) { t.model.closedForm = on }

// Stored is the form in which the model is kept.
func (t *Trial) Stored() []byte { return t.model.encode() }

// Load reads what Stored has returned.
func Load(stored []byte) error {
	_, err := decodeModel(stored)
	return err
}

// Keep brings the workspace's model up to date and writes its snapshot, as Run would.
func (f *Filter) Keep(ctx context.Context, workspace uuid.UUID) error {
	s := f.take(workspace)
	if err := f.bring(ctx, s); err != nil {
		return err
	}
	return f.keep(ctx, s)
}
