-- +goose Up
-- Workspaces, their keys and mailboxes, and the scope that keeps them apart.
-- Locks nothing: all tables are new.

-- +goose StatementBegin
create function current_workspace() returns uuid
	language sql stable parallel safe
	return nullif(current_setting('postroom.workspace', true), '')::uuid;
-- +goose StatementEnd

grant usage on schema public to postroom_app;

create table workspace (
	workspace_id uuid primary key,
	name         text not null check (name <> ''),
	created_at   timestamptz not null default now()
);

-- What belongs to the installation as a whole, each value sealed or wrapped.
create table installation (
	name  text primary key,
	value bytea not null
);
grant select, insert, update on installation to postroom_app;

-- A workspace's data keys, wrapped by the master key (internal/vault).
create table workspace_key (
	workspace_id uuid primary key references workspace on delete cascade,
	wrapped      bytea not null
);

-- An address at which a workspace receives mail. The address is unique across
-- workspaces: it alone says at RCPT whose mail this is.
create table mailbox (
	workspace_id uuid not null references workspace on delete cascade,
	id           uuid not null,
	address      text not null check (address = lower(address) and position('@' in address) > 1),
	name         text not null,
	created_at   timestamptz not null default now(),
	primary key (workspace_id, id),
	constraint mailbox_address_key unique (address)
);

alter table workspace     enable row level security;
alter table workspace     force  row level security;
alter table workspace_key enable row level security;
alter table workspace_key force  row level security;
alter table mailbox       enable row level security;
alter table mailbox       force  row level security;

create policy workspace_scope on workspace     to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on workspace_key to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on mailbox       to postroom_app using (workspace_id = current_workspace());
-- The owner runs the functions below; the application role never is the owner.
create policy owner_all on workspace     to current_user using (true);
create policy owner_all on workspace_key to current_user using (true);
create policy owner_all on mailbox       to current_user using (true);

grant select, insert, update on workspace, workspace_key, mailbox to postroom_app;

-- route finds the mailboxes that receive for these addresses, of all workspaces:
-- all that an edge which accepts mail needs to see.
-- +goose StatementBegin
create function route(addresses text[])
	returns table (address text, workspace_id uuid, mailbox_id uuid)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as 'select m.address, m.workspace_id, m.id from public.mailbox m where m.address = any (addresses)';
-- +goose StatementEnd

-- workspaces lists every workspace for the installation's administrator.
-- +goose StatementBegin
create function workspaces()
	returns table (workspace_id uuid, name text, created_at timestamptz)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as 'select w.workspace_id, w.name, w.created_at from public.workspace w order by w.workspace_id';
-- +goose StatementEnd

revoke execute on function route(text[]), workspaces() from public;
grant execute on function route(text[]), workspaces() to postroom_app;
