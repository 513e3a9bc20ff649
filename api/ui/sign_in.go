package ui

import (
	"errors"
	"net/http"

	"postroom/api/auth"
)

type signInPage struct {
	page
	Next  string
	Wrong bool // the token was
}

func (p *pages) showSignIn(w http.ResponseWriter, r *http.Request) error {
	next := localPath(r.URL.Query().Get("next"), "/")
	if _, err := p.auth.Session(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	p.views.signIn.show(w, r, http.StatusOK, signInPage{page: p.page(r, "Sign in", nil, ""), Next: next})
	return nil
}

func (p *pages) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	next := localPath(r.PostForm.Get("next"), "/")
	err := p.auth.SignIn(w, r, r.PostForm.Get("token"))
	if errors.Is(err, auth.ErrWrongToken) {
		p.views.signIn.show(w, r, http.StatusUnauthorized, signInPage{page: p.page(r, "Sign in", nil, ""), Next: next, Wrong: true})
		return nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := p.auth.SignOut(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}
