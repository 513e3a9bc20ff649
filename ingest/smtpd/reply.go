package smtpd

import (
	"errors"
	"io"
	"log/slog"
	"net"

	"github.com/emersion/go-smtp"

	"postroom/ingest"
	"postroom/tickets"
)

// replyTo is the one table from an error to what a client is told (RFC 5321
// §4.2, enhanced codes of RFC 3463). What is not in it is ours to mend: the
// client keeps its mail and tries again.
func replyTo(err error, session string) error {
	var large *ingest.TooLargeError
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tickets.ErrNotFound):
		return reply(550, 5, 1, 1, "No such mailbox here")
	case errors.As(err, &large), errors.Is(err, errTooLarge), errors.Is(err, smtp.ErrDataTooLarge):
		return reply(552, 5, 3, 4, "The mail is too large")
	case errors.Is(err, errCrowded):
		return reply(452, 4, 3, 1, "Too many large mails at once, try again later")
	case errors.Is(err, errTooSlow):
		return reply(451, 4, 4, 2, "The mail took too long")
	case errors.Is(err, ingest.ErrBusy):
		return reply(451, 4, 3, 2, "Not taking mail right now, try again later; session "+session)
	case errors.Is(err, smtp.ErrTooLongLine):
		return reply(554, 5, 6, 0, "A line of the mail is too long")
	case errors.Is(err, smtp.ErrDataReset):
		return err // the client took its mail back
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &timeout):
		return reply(421, 4, 4, 2, "The connection ended before the mail did")
	}
	slog.Error("mail could not be received", "session", session, "err", err)
	return reply(451, 4, 3, 0, "Something went wrong here, try again later; session "+session)
}

func reply(code, class, subject, detail int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

// refusalCause names in the ledger why a mail under way was not taken.
func refusalCause(err error) string {
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, smtp.ErrDataTooLarge):
		return "too_large"
	case errors.Is(err, errCrowded):
		return "too_much_at_once"
	}
	return "broken_off"
}
