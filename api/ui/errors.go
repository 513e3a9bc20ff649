package ui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"postroom/api/auth"
	"postroom/tickets"
)

// errOrigin means that a form was not sent from one of our pages.
var errOrigin = errors.New("a form from elsewhere")

// errForm means that a form, or the address that it was sent to, cannot be read or
// is not whole.
var errForm = errors.New("a form that cannot be read")

// A fault is what a person is told of an error: what happened and what to do.
type fault struct {
	Status     int
	Happened   string
	Advice     string
	RetryAfter time.Duration
	ShowID     bool // the request id helps whoever looks into it
}

// faultOf is the one table from an error to its page. What is not in it is ours to
// mend: its text goes to the log.
func faultOf(err error) fault {
	var many *auth.TooManyError
	var invalid *tickets.InvalidError
	var conflict *tickets.ConflictError
	var body *http.MaxBytesError
	var method *methodError
	switch {
	case errors.Is(err, tickets.ErrNotFound):
		return fault{Status: 404, Happened: "There is nothing here", Advice: "The address may be mistyped, or what was here is in another workspace. Go back, or start from the list of tickets."}
	case errors.As(err, &conflict):
		return fault{Status: 409, Happened: "This cannot be done as things stand", Advice: conflict.Reason}
	case errors.Is(err, tickets.ErrConflict):
		return fault{Status: 409, Happened: "It has changed in the meantime", Advice: "Somebody else, or the system itself, was faster. Go back and load the page again to see how it stands now."}
	case errors.Is(err, auth.ErrForbidden), errors.Is(err, tickets.ErrForbidden):
		return fault{Status: 403, Happened: "You may not do this", Advice: "Ask whoever looks after this installation."}
	case errors.As(err, &method):
		return fault{Status: 405, Happened: "This page is not for that", Advice: "The address is right, but it cannot be asked by " + method.method + ". Start from the list of tickets."}
	case errors.Is(err, errOrigin):
		return fault{Status: 403, Happened: "This form did not come from here", Advice: "For your safety nothing was done. Open the page again and send the form from there."}
	case errors.Is(err, errForm):
		return fault{Status: 400, Happened: "This could not be read", Advice: "The address or the form is damaged or not whole, and nothing was done. Open the page again and start from there."}
	case errors.As(err, &many):
		return fault{
			Status: 429, Happened: "Too many attempts", RetryAfter: many.RetryAfter,
			Advice: fmt.Sprintf("Wait %d seconds, then try again.", auth.Seconds(many.RetryAfter)),
		}
	case errors.As(err, &invalid):
		return fault{Status: 422, Happened: "Something that you entered cannot be taken", Advice: "The field “" + invalid.Field + "”: " + invalid.Reason + ". Go back and change it."}
	case tickets.TextRefused(err):
		return fault{Status: 422, Happened: "There is text here that cannot be taken", Advice: "It holds a NUL character or is not UTF-8. Go back and change it."}
	case errors.As(err, &body):
		return fault{Status: 413, Happened: "The form is too large", Advice: "Go back and send less."}
	case errors.Is(err, context.DeadlineExceeded):
		return fault{Status: 503, Happened: "This took too long", Advice: "The system is busy. Try again in a moment.", RetryAfter: 5 * time.Second, ShowID: true}
	}
	return fault{Status: 500, Happened: "Something went wrong on our side", Advice: "Nothing you did is lost. Try again; if it stays, give the number below to whoever looks after this installation.", ShowID: true}
}

type errorPage struct {
	page
	fault
	RequestID string
}

// fail answers with the page for an error.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	if f.Status >= http.StatusInternalServerError {
		if errors.Is(r.Context().Err(), context.Canceled) {
			return // nobody is there to read it
		}
		logFailure(w, r, err)
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(auth.Seconds(f.RetryAfter)))
	}
	p.views.fault.show(w, r, f.Status, errorPage{page: p.page(r, f.Happened, nil, ""), fault: f, RequestID: requestID(w)})
}
