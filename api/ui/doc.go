// Package ui is the pages for people: rendered on the server, with real URLs and
// forms that work without script. It calls the same functions as package api and
// holds no rule that they do not.
//
//	request ─> policy, session ─> workspace ─> page ─> template
//	           └─ nobody: sign in              └─ error: errors.go says what happened and what to do
//
// The package must never put anything of a mail into a page but as escaped text,
// serve HTML that a sender wrote, or need script, style or font from elsewhere.
package ui
