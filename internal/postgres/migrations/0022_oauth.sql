-- +goose Up
-- Mailboxes that log in by a provider's consent: whose client we are there, the
-- consents that are being asked for, the tokens, and what they were used for.
-- Locks nothing: all tables are new.

-- A workspace's registration at a provider.
create table oauth_client (
	workspace_id uuid not null references workspace on delete cascade,
	provider     text not null check (provider <> ''), -- its name here
	kind         text not null check (kind in ('google', 'microsoft', 'oidc')),
	issuer       text not null default '',  -- of an OpenID provider; its tenant for Microsoft
	client_id    text not null check (client_id <> ''),
	secret       bytea,                     -- sealed; null for a public client
	scopes       text[] not null default '{}',
	app_only     boolean not null default false, -- client credentials: no person consents
	created_at   timestamptz not null default now(),
	primary key (workspace_id, provider)
);

-- A consent that was asked for and not yet given. The state is known by its hash.
create table oauth_flow (
	workspace_id uuid not null references workspace on delete cascade,
	state        bytea not null check (length(state) = 32),
	mailbox_id   uuid not null,
	provider     text not null,
	verifier     bytea not null,            -- PKCE (RFC 7636), sealed
	nonce        text not null,
	redirect     text not null,
	address      text not null,             -- who is expected to consent
	shared       boolean not null,          -- anybody may, for a mailbox that is shared
	actor        text not null,
	expires_at   timestamptz not null,
	primary key (workspace_id, state)
);

-- The tokens of a mailbox, sealed. The refresh token before the present one is
-- kept: where the provider's answer was lost, it is the one that still counts.
create table oauth_grant (
	workspace_id   uuid not null,
	mailbox_id     uuid not null,
	provider       text not null,
	address        text not null,           -- who consented
	scopes         text not null,
	refresh        bytea,
	refresh_before bytea,
	access         bytea,
	expires_at     timestamptz,
	refresh_at     timestamptz not null default now(), -- when it is to be refreshed, or tried again
	refreshes      bigint not null default 0,
	failures       int not null default 0,
	ended_at       timestamptz,             -- the provider renews it no more
	reason         text not null default '',
	consented_at   timestamptz not null default now(),
	primary key (workspace_id, mailbox_id),
	foreign key (workspace_id, mailbox_id) references mailbox (workspace_id, id),
	foreign key (workspace_id, provider) references oauth_client (workspace_id, provider)
);
create index oauth_grant_due_idx on oauth_grant (refresh_at) where ended_at is null;

-- What a provider's token was used for, by day: the account that Google's Limited
-- Use asks for. No mail content.
create table oauth_use (
	workspace_id uuid not null,
	mailbox_id   uuid not null,
	day          date not null,
	provider     text not null,
	purpose      text not null,
	mails        bigint not null default 0,
	octets       bigint not null default 0,
	primary key (workspace_id, mailbox_id, day, purpose)
);

-- Whether content that came from a provider under such terms may leave the
-- instance. Without a row it may not.
create table oauth_policy (
	workspace_id uuid primary key references workspace on delete cascade,
	may_leave    boolean not null,
	actor        text not null,
	at           timestamptz not null default now()
);

alter table oauth_client enable row level security;
alter table oauth_client force  row level security;
alter table oauth_flow   enable row level security;
alter table oauth_flow   force  row level security;
alter table oauth_grant  enable row level security;
alter table oauth_grant  force  row level security;
alter table oauth_use    enable row level security;
alter table oauth_use    force  row level security;
alter table oauth_policy enable row level security;
alter table oauth_policy force  row level security;
create policy workspace_scope on oauth_client to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on oauth_flow   to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on oauth_grant  to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on oauth_use    to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on oauth_policy to postroom_app using (workspace_id = current_workspace());
create policy owner_all on oauth_client to current_user using (true);
create policy owner_all on oauth_flow   to current_user using (true);
create policy owner_all on oauth_grant  to current_user using (true);
create policy owner_all on oauth_use    to current_user using (true);
create policy owner_all on oauth_policy to current_user using (true);
grant select, insert, update, delete on oauth_client, oauth_flow, oauth_grant, oauth_policy to postroom_app;
grant select, insert, update on oauth_use to postroom_app;

-- oauth_due lists the grants of all workspaces whose time to be refreshed has come.
-- Whoever refreshes one locks its row first, and looks again.
-- +goose StatementBegin
create function oauth_due(n int)
	returns table (workspace_id uuid, mailbox_id uuid)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select g.workspace_id, g.mailbox_id from public.oauth_grant g
	where g.ended_at is null and g.refresh_at <= now() order by g.refresh_at limit n
$$;
-- +goose StatementEnd

revoke execute on function oauth_due(int) from public;
grant execute on function oauth_due(int) to postroom_app;
