// Package imappoll polls mailboxes by IMAP and hands every mail in them to
// ingest.Accept: none missed, none twice, oldest first.
//
//	        ┌──────────────────────── trouble: wait, longer each time ─────────────────────┐
//	        v                                                                              │
//	connecting ──> catching_up ──> watching (IDLE, or a poll every so often) ──────────────┤
//	        └──> refused (the server does not let us in: an alert, and a slow retry) ──────┘
//
// Its memory is the ledger of UIDs (table imap_uid): every UID of a folder that was
// ever seen has one row, written in the transaction that stores the mail. Flags
// and dates play no part in what is new. Where a server numbers a folder anew, its
// mails are recognised by content, and only what is new is taken.
//
// Any number of processes share the mailboxes: each holds some, under one lease
// for the process and a fence for each mailbox. Two that poll the same mailbox by
// mischance store nothing twice, because a UID's source key is unique.
//
// It must never change anything at the server before the mail is committed, and
// afterwards only what the settings ask for.
package imappoll
