// Package oauthgmail gets and keeps the access that people give Postroom to their
// mailboxes at Google, Microsoft, or any OpenID provider.
//
//	Begin ──> the person consents at the provider ──> Finish ──> Token, Token, …
//	                                                    │            │ refreshed before it expires,
//	                                                    │            v by one process at a time
//	                                                    └──────── ended: an alert, and Begin once more
//
// Tokens are sealed before they are stored. A refresh token that the provider
// replaces is kept beside its successor, in one transaction. Consent given again
// changes nothing but the tokens: the poller goes on where it was.
//
// It must never log or return a token except to the part that logs in with it, nor
// let mail that came under a provider's Limited Use leave the instance without the
// switch being set.
package oauthgmail
