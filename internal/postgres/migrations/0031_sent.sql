-- +goose Up
-- Mail that our own people wrote elsewhere and mail of Junk folders.
-- Locks post and imap_folder for a moment.

alter table post add ours boolean not null default false; -- written by our own people
alter table imap_folder
	add learn boolean not null default false, -- the filter learns weakly what lies there
	add check (not learn or role = 'junk');

-- What mail of ours that belongs to no ticket can be known by (a ref as in
-- thread_ref). Mail that comes later and has one of these may be what it belongs to.
create table alone (
	workspace_id uuid not null,
	mailbox_id   uuid not null,
	ref          bytea not null check (length(ref) = 16),
	message_id   uuid not null,
	primary key (workspace_id, mailbox_id, ref, message_id)
);
create index alone_message_idx on alone (message_id, workspace_id);
alter table alone alter workspace_id set statistics 0;

alter table alone enable row level security;
alter table alone force  row level security;
create policy workspace_scope on alone to postroom_app using (workspace_id = current_workspace());
create policy owner_all on alone to current_user using (true);
grant select, insert, delete on alone to postroom_app;
