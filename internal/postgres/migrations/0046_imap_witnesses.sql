-- +goose Up
-- A folder remembers how the server described the mails it took last. A server that
-- was put back from a backup gives their numbers to other mails under the same
-- UIDVALIDITY; by these it is noticed.
-- Locks imap_folder for a moment: the default is kept in the catalogue.
alter table imap_folder add column witnesses jsonb not null default '[]';
