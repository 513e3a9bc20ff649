package ui

import (
	"net/http"

	"postroom/ingest"
	"postroom/tickets"
)

// A stoppedKind is a list of messages that did not become part of a ticket.
type stoppedKind struct {
	Stage   ingest.Stage
	Path    string // of the list, below the workspace, and its name in the navigation
	Heading string
	About   string
	Empty   string
	Further string
}

var (
	heldList = stoppedKind{
		Stage: ingest.Held, Path: "held", Heading: "Held mail",
		About:   "Quarantined, each with its cause. Nobody was notified and nothing was answered. Release what is no spam and it goes to its ticket; the filter learns from both answers.",
		Empty:   "No mail is held",
		Further: "Mail that looks like spam, or that would cost too much to read, waits here for your decision.",
	}
	failedList = stoppedKind{
		Stage: ingest.Failed, Path: "failed", Heading: "Failed mail",
		About:   "Processing these failed again and again, so it was given up. The mail itself is kept as it came. Mend the cause, then try again.",
		Empty:   "Nothing has failed",
		Further: "A message that cannot be processed, even after many attempts, is kept here with the reason.",
	}
	duplicateList = stoppedKind{
		Stage: ingest.Duplicate, Path: "duplicates", Heading: "Duplicates",
		About:   "The same mail, received again. Each names the message that it repeats.",
		Empty:   "No duplicates",
		Further: "When a server delivers the same mail twice, only one goes to a ticket and the other is listed here.",
	}
)

type stoppedPage struct {
	page
	stoppedKind
	Messages []ingest.Message
	First    bool
	Next     string
}

func (p *pages) listStopped(kind stoppedKind) func(http.ResponseWriter, *http.Request, tickets.Workspace) error {
	return func(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
		data := stoppedPage{page: p.page(r, kind.Heading, &ws, kind.Path), stoppedKind: kind, First: r.URL.Query().Get("after") == ""}
		var err error
		if data.Messages, data.Next, err = p.messages(r, ws, ingest.MessageFilter{Stage: &kind.Stage}); err != nil {
			return err
		}
		if data.Said, err = p.said(r, ws); err != nil {
			return err
		}
		p.views.stopped.show(w, r, http.StatusOK, data)
		return nil
	}
}
