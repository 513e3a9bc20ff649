-- +goose Up
-- Threads by several kinds of evidence; tickets that are merged, split, related.
-- Locks ticket and post for a moment, thread_ref while its key is built anew.

alter table ticket
	add merged_into uuid, -- the ticket that has all of this one's messages since; its number leads there
	add apart boolean not null default false, -- a person has split it or undone its merging: no machine merges it again
	add waits text not null default '' check (waits in ('', 'answer', 'report')), -- opened by one, for what it is about
	add foreign key (workspace_id, merged_into) references ticket (workspace_id, id);
-- For the check of that key, and to tell what was merged.
create index ticket_merged_idx on ticket (merged_into, workspace_id) where merged_into is not null;

alter table post
	add weight smallint not null default 0, -- of the evidence (docs/threads.md)
	add automatic text not null default '', -- the kind of machine that wrote it: bounce, feedback, auto-reply, receipt, list
	add ref bytea check (length(ref) = 16); -- its own Message-ID, as thread_ref has it

-- What a thread can be known by is now also its subject, with and without a
-- person; and since ids are reused and newsletters have many readers, one of
-- these may be known on several tickets.
alter table thread_ref drop constraint thread_ref_pkey;
alter table thread_ref add primary key (workspace_id, mailbox_id, ref, ticket_id);

-- ticket_root follows merged tickets to the one that has their messages.
-- +goose StatementBegin
create function ticket_root(workspace uuid, ticket uuid) returns uuid
	language sql stable
as $$
	with recursive up as (
		select t.id, t.merged_into from public.ticket t where t.workspace_id = $1 and t.id = $2
		union
		select t.id, t.merged_into from up join public.ticket t on t.workspace_id = $1 and t.id = up.merged_into)
	select id from up where merged_into is null
$$;
-- +goose StatementEnd

-- Tickets that may have to do with each other; one row for each direction.
create table ticket_related (
	workspace_id uuid not null,
	ticket_id    uuid not null,
	other_id     uuid not null,
	reason       text not null, -- the evidence that did not suffice, or "same mail"
	at           timestamptz not null,
	primary key (workspace_id, ticket_id, other_id),
	foreign key (workspace_id, ticket_id) references ticket (workspace_id, id),
	foreign key (workspace_id, other_id) references ticket (workspace_id, id)
);

-- Messages that were moved from one ticket to another: all of a merged ticket, or
-- what was split off. Kept so that it can be undone exactly.
create table ticket_move (
	workspace_id uuid not null,
	id           uuid not null, -- UUIDv7
	kind         text not null check (kind in ('merge', 'split')),
	source_id    uuid not null,
	target_id    uuid not null,
	actor        text not null,
	at           timestamptz not null,
	undone_at    timestamptz,
	primary key (workspace_id, id),
	foreign key (workspace_id, source_id) references ticket (workspace_id, id),
	foreign key (workspace_id, target_id) references ticket (workspace_id, id)
);
create index ticket_move_source_idx on ticket_move (source_id, workspace_id);
create index ticket_move_target_idx on ticket_move (target_id, workspace_id);
create table ticket_moved (
	workspace_id uuid not null,
	move_id      uuid not null,
	message_id   uuid not null,
	evidence     text not null, -- that it had on the source
	weight       smallint not null,
	primary key (workspace_id, move_id, message_id),
	foreign key (workspace_id, move_id) references ticket_move (workspace_id, id)
);

alter table ticket_related alter workspace_id set statistics 0;
alter table ticket_move    alter workspace_id set statistics 0;
alter table ticket_moved   alter workspace_id set statistics 0;

alter table ticket_related enable row level security;
alter table ticket_related force  row level security;
alter table ticket_move    enable row level security;
alter table ticket_move    force  row level security;
alter table ticket_moved   enable row level security;
alter table ticket_moved   force  row level security;
create policy workspace_scope on ticket_related to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on ticket_move    to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on ticket_moved   to postroom_app using (workspace_id = current_workspace());
create policy owner_all on ticket_related to current_user using (true);
create policy owner_all on ticket_move    to current_user using (true);
create policy owner_all on ticket_moved   to current_user using (true);
grant select, insert on ticket_related, ticket_moved to postroom_app;
grant select, insert, update on ticket_move to postroom_app;
