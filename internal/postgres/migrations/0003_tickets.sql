-- +goose Up
-- Tickets, their threads, and the audit chain.
-- Locks nothing: all tables are new.

-- The head of each workspace's audit chain. Whoever changes the workspace locks
-- it first, so it also orders the workspace's changes.
create table audit_head (
	workspace_id uuid primary key references workspace,
	seq          bigint not null,
	hash         bytea not null check (length(hash) = 32)
);

-- Who did what, each record chained to the one before by its hash.
create table audit (
	workspace_id uuid not null references workspace,
	seq          bigint not null,
	at           timestamptz not null,
	actor        text not null,
	action       text not null,
	target       text not null,
	detail       text not null, -- JSON, kept as the very text that was hashed
	hash         bytea not null check (length(hash) = 32),
	primary key (workspace_id, seq)
);

create table ticket (
	workspace_id    uuid not null,
	id              uuid not null,
	number          bigint not null, -- for people, counted per workspace
	mailbox_id      uuid not null,
	subject         text not null,
	status          text not null check (status in ('open', 'pending', 'closed')),
	requester_name  text not null,
	requester_email text not null,
	messages        int not null, -- filed now; 0 hides the ticket: all it had turned out to be spam
	created_at      timestamptz not null,
	updated_at      timestamptz not null,
	primary key (workspace_id, id),
	constraint ticket_number_key unique (number, workspace_id),
	foreign key (workspace_id, mailbox_id) references mailbox (workspace_id, id)
);
create index ticket_updated_idx on ticket (workspace_id, updated_at, id);

create table ticket_counter (
	workspace_id uuid primary key references workspace,
	last         bigint not null
);

-- A message on a ticket, in order of arrival.
create table post (
	workspace_id uuid not null,
	ticket_id    uuid not null,
	message_id   uuid not null,
	at           timestamptz not null,
	author_name  text not null,
	author_email text not null,
	evidence     text not null, -- why it is on this ticket: opened, in-reply-to, references, parent
	others       text[] not null, -- addresses that it was sent to besides ours
	hidden       boolean not null default false, -- taken off again as spam; shown when it is released
	primary key (workspace_id, ticket_id, message_id),
	foreign key (workspace_id, ticket_id) references ticket (workspace_id, id),
	foreign key (workspace_id, message_id) references message (workspace_id, id)
);

-- Every Message-ID that a filed message has or refers to, received or not, and
-- the ticket of that thread in that mailbox. Kept as the first half of its
-- SHA-256: all that is ever asked is whether two are the same.
create table thread_ref (
	workspace_id uuid not null,
	mailbox_id   uuid not null,
	ref          bytea not null check (length(ref) = 16),
	ticket_id    uuid not null,
	received     boolean not null, -- a message with this id was filed; else it is only referred to
	primary key (workspace_id, mailbox_id, ref)
);

-- As for messages: the workspace alone is no key.
alter table audit      alter workspace_id set statistics 0;
alter table ticket     alter workspace_id set statistics 0;
alter table post       alter workspace_id set statistics 0;
alter table thread_ref alter workspace_id set statistics 0, alter mailbox_id set statistics 0;

alter table audit_head     enable row level security;
alter table audit_head     force  row level security;
alter table audit          enable row level security;
alter table audit          force  row level security;
alter table ticket         enable row level security;
alter table ticket         force  row level security;
alter table ticket_counter enable row level security;
alter table ticket_counter force  row level security;
alter table post           enable row level security;
alter table post           force  row level security;
alter table thread_ref     enable row level security;
alter table thread_ref     force  row level security;

create policy workspace_scope on audit_head     to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on audit          to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on ticket         to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on ticket_counter to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on post           to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on thread_ref     to postroom_app using (workspace_id = current_workspace());
create policy owner_all on audit_head     to current_user using (true);
create policy owner_all on audit          to current_user using (true);
create policy owner_all on ticket         to current_user using (true);
create policy owner_all on ticket_counter to current_user using (true);
create policy owner_all on post           to current_user using (true);
create policy owner_all on thread_ref     to current_user using (true);

grant select, insert, update on audit_head, ticket, ticket_counter, post to postroom_app;
grant select, insert, update on thread_ref to postroom_app;
grant select, insert on audit to postroom_app; -- append-only, by grant

-- refresh_statistics takes the planner's statistics of tables that have doubled
-- since they were last taken. Autovacuum does so only once a minute; until then
-- the planner, knowing nothing of a new installation's first thousands of rows,
-- takes the workspace alone for a key and reads all of its rows for each.
-- +goose StatementBegin
create function refresh_statistics() returns int
	language plpgsql security definer set search_path = pg_catalog, public, pg_temp
	set default_statistics_target = 20 -- a sample of 6,000 rows tells enough, and costs a fifth
as $$
declare
	t  name;
	n  int := 0;
begin
	for t in
		select s.relname from pg_stat_user_tables s join pg_class c on c.oid = s.relid
		where s.schemaname = 'public'
			and s.relname in ('message', 'blob', 'acceptance', 'ticket', 'post', 'thread_ref', 'audit', 'search_due', 'message_words')
			and s.n_live_tup > 500 + 2 * greatest(c.reltuples, 0)
	loop
		execute format('analyze public.%I', t);
		n := n + 1;
	end loop;
	return n;
end $$;
-- +goose StatementEnd
revoke execute on function refresh_statistics() from public;
grant execute on function refresh_statistics() to postroom_app;
