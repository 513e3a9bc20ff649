-- +goose Up
-- Allow and block lists, alerts, and the option to learn from replies.
-- Locks classify_head, one row per workspace, for a moment; all tables are new.

alter table classify_head add column learn_replies boolean not null default false;

-- Senders whose mail is ham or spam whatever the words say. A pattern is an address, or a domain with those below it.
create table classify_sender (
	workspace_id uuid not null references workspace on delete cascade,
	pattern      text not null check (pattern = lower(pattern) and pattern <> '' and length(pattern) <= 320),
	verdict      text not null check (verdict in ('ham', 'spam')),
	actor        text not null,
	created_at   timestamptz not null default now(),
	expires_at   timestamptz, -- null: until it is taken off
	primary key (workspace_id, pattern)
);

-- What somebody should look at. One of a kind and subject stands at a time, until it is seen.
create table classify_alert (
	workspace_id uuid not null references workspace on delete cascade,
	id           uuid not null,
	kind         text not null check (kind in ('disagreement', 'drift', 'flood', 'one-sided')),
	subject      text not null,
	detail       text not null, -- for people
	count        int not null default 1,
	at           timestamptz not null default now(),
	seen_at      timestamptz,
	seen_by      text,
	primary key (workspace_id, id)
);

create unique index classify_alert_open on classify_alert (workspace_id, kind, subject) where seen_at is null;

alter table classify_sender enable row level security;
alter table classify_sender force  row level security;
alter table classify_alert  enable row level security;
alter table classify_alert  force  row level security;

create policy workspace_scope on classify_sender using (workspace_id = current_workspace()) with check (workspace_id = current_workspace());
create policy workspace_scope on classify_alert  using (workspace_id = current_workspace()) with check (workspace_id = current_workspace());

grant select, insert, update, delete on classify_sender to postroom_app;
grant select, insert, update on classify_alert to postroom_app;
