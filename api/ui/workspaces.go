package ui

import (
	"net/http"

	"postroom/api/auth"
	"postroom/tickets"
)

type workspacesPage struct {
	page
	Workspaces []tickets.Workspace
}

// chooseWorkspace lists the workspaces that one may see; a single one is entered.
func (p *pages) chooseWorkspace(w http.ResponseWriter, r *http.Request) error {
	all, err := p.desk.Workspaces(r.Context())
	if err != nil {
		return err
	}
	var mine []tickets.Workspace
	for _, ws := range all {
		if auth.From(r.Context()).May(auth.Read, ws.ID) == nil {
			mine = append(mine, ws)
		}
	}
	if len(mine) == 1 {
		http.Redirect(w, r, workspacePath(mine[0])+"/tickets", http.StatusSeeOther)
		return nil
	}
	p.views.workspaces.show(w, r, http.StatusOK, workspacesPage{page: p.page(r, "Workspaces", nil, ""), Workspaces: mine})
	return nil
}

func (p *pages) enterWorkspace(w http.ResponseWriter, r *http.Request, ws tickets.Workspace) error {
	http.Redirect(w, r, workspacePath(ws)+"/tickets", http.StatusSeeOther)
	return nil
}

func workspacePath(ws tickets.Workspace) string { return "/w/" + ws.ID.String() }
