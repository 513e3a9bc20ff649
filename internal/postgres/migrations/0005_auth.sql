-- +goose Up
-- Sessions of the pages, and the answers that are kept for a repeated request.
-- Locks nothing: all tables are new.

-- Who is signed in. A session belongs to the installation, not to a workspace; it
-- is found by the hash of the secret that only the browser has.
create table session (
	hash       bytea primary key check (length(hash) = 32), -- SHA-256 of the cookie's value
	actor      text not null,
	credential bytea not null check (length(credential) = 32), -- what they signed in with, hashed: a new token ends its sessions
	created_at timestamptz not null default now(),
	seen_at    timestamptz not null default now()
);
create index session_seen_idx on session (seen_at);

grant select, insert, update, delete on session to postroom_app;

-- The answer to a request that carried an Idempotency-Key, kept for a day so that
-- the same request sent again gets the same answer and does nothing twice.
-- No foreign key: requests to the installation itself are kept under the zero
-- UUID.
create table kept_answer (
	workspace_id uuid not null,
	actor        text not null,
	key          text not null check (key <> ''),
	request      bytea not null check (length(request) = 32), -- SHA-256 of method, path and body
	holder       uuid not null, -- the attempt that works on it: only this one may finish
	status       int,           -- null while it is being worked on
	header       jsonb,
	body         bytea,
	at           timestamptz not null default now(),
	primary key (workspace_id, actor, key),
	check ((status is null) = (body is null) and (status is null) = (header is null))
);
create index kept_answer_at_idx on kept_answer (workspace_id, at);

alter table kept_answer enable row level security;
alter table kept_answer force  row level security;
create policy workspace_scope on kept_answer to postroom_app using (workspace_id = current_workspace());

grant select, insert, update, delete on kept_answer to postroom_app;
