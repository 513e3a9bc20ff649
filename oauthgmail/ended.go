package oauthgmail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"postroom/internal/alert"
	"postroom/tickets/audit"
)

// An EndedError means that the provider renews a consent no more. Only a person can
// mend it, by consenting again.
type EndedError struct{ Address, Reason string }

func (e *EndedError) Error() string {
	return fmt.Sprintf("the consent of %s has ended: %s", e.Address, e.Reason)
}

// ConsentEnded tells those who cannot know this package what the error is.
func (e *EndedError) ConsentEnded() bool { return true }

const endSQL = `
	update oauth_grant set ended_at = now(), access = null, reason = $3, failures = failures + 1 where workspace_id = $1 and mailbox_id = $2`

// end notes that the provider renews the grant no more, and calls for a person. The
// refresh tokens are kept: a provider that was wrong may take them again.
func (s *Service) end(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, p *provider, g *grant, cause error) (failed, err error) {
	reason := p.causes(plainly(cause).Error(), time.Since(g.Given))
	if _, err := tx.Exec(ctx, endSQL, workspace, g.Mailbox, reason); err != nil {
		return nil, err
	}
	// The audit's chain is locked before alerts are, as everywhere.
	if err := audit.Write(ctx, tx, workspace, audit.Entry{Actor: "pipeline", Action: "mailbox.consent_ended", Target: target(g.Mailbox),
		Detail: map[string]any{"provider": g.Provider}}); err != nil {
		return nil, err
	}
	if err := alert.Raise(ctx, tx, workspace, alert.Alert{
		Kind: alert.Consent, Target: target(g.Mailbox),
		What:   fmt.Sprintf("Mail of %s is not coming in: %s", g.Address, reason),
		Advice: "Consent again in the mailbox's settings; polling goes on where it was, and nothing that arrives meanwhile is lost.",
	}); err != nil {
		return nil, err
	}
	return &EndedError{g.Address, reason}, nil
}

// ended reports whether a provider refuses for good: RFC 6749 §5.2.
func ended(err error) bool {
	var re *oauth2.RetrieveError
	return errors.As(err, &re) && (re.ErrorCode == "invalid_grant" || re.ErrorCode == "interaction_required" || re.ErrorCode == "consent_required")
}

// testingFor is how long a consent lasts while the registration at Google is in
// testing.
const testingFor = 7 * 24 * time.Hour

// causes says why a consent may have ended, the likeliest first.
func (p *provider) causes(said string, age time.Duration) string {
	var list []string
	switch p.Kind {
	case Google:
		if age > testingFor-12*time.Hour && age < testingFor+36*time.Hour {
			list = append(list, "the registration at Google is still in testing, where every consent ends after seven days")
		}
		list = append(list, "the account's password was changed", "access was taken away in the account's settings", "it was not used for six months", "more than a hundred consents were given to the same registration")
	case Microsoft:
		list = append(list, "the account's password was changed or reset", "an administrator took access away or now asks for a second factor", "it was not used for 90 days")
	default:
		list = append(list, "access was taken away at the provider", "the account was changed there")
	}
	return fmt.Sprintf("the provider no longer renews the access (%s). Likely causes: %s", plain(said), strings.Join(list, "; "))
}

// plainly is a provider's refusal in its own words, without what was sent to it.
func plainly(err error) error {
	var re *oauth2.RetrieveError
	if !errors.As(err, &re) {
		var ue *url.Error
		if errors.As(err, &ue) {
			return fmt.Errorf("%s cannot be reached: %w", hostOf(ue.URL), ue.Err)
		}
		return err
	}
	words := re.ErrorCode
	if words == "" && re.Response != nil {
		words = re.Response.Status
	}
	if re.ErrorDescription != "" {
		words += ": " + re.ErrorDescription
	}
	return &refusal{plain(words), err}
}

// refusal keeps the cause for errors.As.
type refusal struct {
	words string
	cause error
}

func (r *refusal) Error() string { return r.words }
func (r *refusal) Unwrap() error { return r.cause }

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the provider"
	}
	return u.Host
}

// plain makes a provider's words fit for a text column and a line.
func plain(s string) string { return alert.Line(s, 400) }
