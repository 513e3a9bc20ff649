package ui

import (
	"bytes"
	"html/template"
	"io"
	"log/slog"
	"net/http"

	"postroom/api/auth"
	"postroom/tickets"
)

// A page is what every page has.
type page struct {
	Title     string
	Nav       string             // the current entry of the navigation
	Workspace *tickets.Workspace // nil outside of one
	SignedIn  bool
	Query     string // what was searched for
	Style     string // URLs
	Icon      string
	Here      string // the page's own path, to come back to
	Said      *said  // what was just done, and how to undo it
}

func (p *pages) page(r *http.Request, title string, ws *tickets.Workspace, nav string) page {
	return page{
		Title: title, Nav: nav, Workspace: ws, SignedIn: auth.From(r.Context()).Actor != "",
		Style: p.static.url("style.css"), Icon: p.static.url("icon.svg"), Here: withoutSaid(r.URL),
	}
}

// views are the templates, each tied to the type of its page, so that a test can
// execute every one with what it really gets.
type views struct {
	signIn     view[signInPage]
	workspaces view[workspacesPage]
	tickets    view[ticketsPage]
	ticket     view[ticketPage]
	search     view[searchPage]
	stopped    view[stoppedPage]
	message    view[messagePage]
	formatted  view[formattedPage]
	ledger     view[ledgerPage]
	fault      view[errorPage]
}

func parseViews() views {
	return views{
		signIn:     parse[signInPage]("sign_in.html"),
		workspaces: parse[workspacesPage]("workspaces.html"),
		tickets:    parse[ticketsPage]("tickets.html"),
		ticket:     parse[ticketPage]("ticket.html"),
		search:     parse[searchPage]("search.html"),
		stopped:    parse[stoppedPage]("stopped.html"),
		message:    parse[messagePage]("message.html"),
		formatted:  parseAlone[formattedPage]("formatted.html"),
		ledger:     parse[ledgerPage]("ledger.html"),
		fault:      parse[errorPage]("error.html"),
	}
}

// A view renders pages of one type.
type view[P any] struct{ t *template.Template }

func parse[P any](file string) view[P] {
	t := template.New("layout.html").Funcs(funcs).Option("missingkey=error")
	// They are embedded: one that does not parse is a broken build.
	return view[P]{template.Must(t.ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+file))}
}

// parseAlone is for a page that is not laid out like the others.
func parseAlone[P any](file string) view[P] {
	return view[P]{template.Must(template.New(file).Option("missingkey=error").ParseFS(files, "templates/"+file))}
}

func (v view[P]) execute(w io.Writer, data P) error { return v.t.Execute(w, data) }

// show sends a page, whole or not at all.
func (v view[P]) show(w http.ResponseWriter, r *http.Request, status int, data P) {
	var b bytes.Buffer
	if err := v.execute(&b, data); err != nil {
		logFailure(w, r, err)
		http.Error(w, "This page could not be made. The log has the details under "+requestID(w)+".", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := b.WriteTo(w); err != nil {
		slog.DebugContext(r.Context(), "page not sent", "request_id", requestID(w), "err", err)
	}
}
