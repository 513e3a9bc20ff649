-- +goose Up
-- Mailboxes that are polled by IMAP: their settings, folders, and a row for every
-- UID that was ever seen.
-- Locks nothing: all tables are new.

-- A process that polls. Its mailboxes are its own until the time here; one row
-- renews the leases of all of them.
create table poll_process (
	id    uuid primary key,
	until timestamptz not null
);
grant select on poll_process to postroom_app;

-- How a mailbox is polled, who polls it now, and how that goes.
create table imap_account (
	workspace_id uuid not null,
	mailbox_id   uuid not null,
	host         text not null check (host <> ''),
	port         int  not null check (port between 1 and 65535),
	security     text not null check (security in ('tls', 'starttls', 'none')),
	auth         text not null check (auth in ('password', 'oauth')),
	username     text not null check (username <> ''),
	secret       bytea,             -- the password, sealed (internal/vault)
	since        timestamptz,       -- what lay there at first and is older is not taken; null: everything is
	mark_seen    boolean not null default false,
	after        text not null default 'keep' check (after in ('keep', 'move', 'delete')),
	move_to      text not null default '',
	grace        interval not null default '7 days', -- from the commit to the move or deletion
	poll_every   interval not null default '1 minute' check (poll_every between '1 second' and '1 day'),
	enabled      boolean not null default true,
	version      int not null default 1, -- raised by each change of the settings
	created_at   timestamptz not null default now(),

	holder       uuid,              -- the process that polls it
	fence        bigint not null default 0, -- raised by each claim

	state        text not null default 'new' check (state in ('new', 'connecting', 'catching_up', 'watching', 'waiting', 'refused')),
	state_at     timestamptz not null default now(),
	polled_at    timestamptz,       -- of the last poll that found everything taken
	backlog      bigint not null default 0,
	taken        bigint not null default 0, -- mails taken since it was set up
	failures     int not null default 0,    -- polls that failed one after the other
	reason       text not null default '',  -- of the last failure, for people
	primary key (workspace_id, mailbox_id),
	foreign key (workspace_id, mailbox_id) references mailbox (workspace_id, id),
	check (after <> 'move' or move_to <> ''),
	check (auth <> 'password' or secret is not null)
);

-- A folder of the server. Its epoch counts how often the server began to number
-- mails anew (RFC 3501 §2.3.1.1: another UIDVALIDITY), so that a UID means one
-- mail for ever. All UIDs up to last_uid have a row in imap_uid.
create table imap_folder (
	workspace_id uuid not null,
	id           uuid not null,
	mailbox_id   uuid not null,
	name         text not null check (name <> ''),
	role         text not null default 'inbox' check (role in ('inbox', 'sent', 'junk')),
	validity     bigint not null default 0, -- 0: never seen
	epoch        int not null default 0,
	adopting     boolean not null default false, -- mails of earlier epochs are still being recognised
	last_uid     bigint not null default 0,
	modseq       bigint not null default 0, -- RFC 7162; 0: the server keeps none
	checked_at   timestamptz,       -- when the server's UIDs were compared with the ledger
	on_server    bigint not null default 0, -- UIDs that the server had then
	in_ledger    bigint not null default 0, -- and how many of them had a row here
	primary key (workspace_id, id),
	constraint imap_folder_name_key unique (mailbox_id, name, workspace_id),
	foreign key (workspace_id, mailbox_id) references imap_account (workspace_id, mailbox_id) on delete cascade
);

-- The ledger of UIDs. A row is written in the transaction that stores the mail.
-- No foreign key to the folder: mail that was being fetched while its folder was
-- taken off the list is stored all the same.
create table imap_uid (
	workspace_id uuid not null,
	folder_id    uuid not null,
	epoch        int not null,
	uid          bigint not null check (uid between 1 and 4294967295),
	state        text not null check (state in ('stored', 'before', 'gone', 'waiting', 'parked')),
	present      boolean not null default true,  -- the server had it when it was last looked for
	acted        boolean not null default false, -- marked, moved or deleted at the server, as the settings ask
	seen         boolean not null default false, -- marked as seen there
	message_id   uuid,
	hash         bytea, -- SHA-256 of the mail
	size         bigint,
	attempts     int not null default 0,
	due_at       timestamptz, -- when to try again
	reason       text,        -- why it could not be read
	at           timestamptz not null default now(),
	primary key (workspace_id, folder_id, epoch, uid),
	check (state <> 'stored' or (message_id is not null and hash is not null)),
	check (state not in ('waiting', 'parked') or (reason is not null and due_at is not null))
);
create index imap_uid_due_idx on imap_uid (folder_id, due_at, workspace_id) where state in ('waiting', 'parked');

alter table imap_account alter workspace_id set statistics 0;
alter table imap_folder  alter workspace_id set statistics 0;
alter table imap_uid     alter workspace_id set statistics 0;

alter table imap_account enable row level security;
alter table imap_account force  row level security;
alter table imap_folder  enable row level security;
alter table imap_folder  force  row level security;
alter table imap_uid     enable row level security;
alter table imap_uid     force  row level security;
create policy workspace_scope on imap_account to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on imap_folder  to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on imap_uid     to postroom_app using (workspace_id = current_workspace());
create policy owner_all on imap_account to current_user using (true);
create policy owner_all on imap_folder  to current_user using (true);
create policy owner_all on imap_uid     to current_user using (true);
grant select, insert, update, delete on imap_account, imap_folder, imap_uid to postroom_app;

-- accept_placed is accept_messages for mails of which some lay in an IMAP folder:
-- the UID enters the ledger in the transaction that stores its mail.
-- +goose StatementBegin
create function accept_placed(
	m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamptz[],
	m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt int[], m_lease interval,
	b_workspace uuid[], b_hash bytea[], b_chunk int[], b_sealed bytea[],
	p_workspace uuid[], p_source_key text[], p_folder uuid[], p_epoch int[], p_uid bigint[])
	returns setof uuid
	language plpgsql security definer set search_path = pg_catalog, public, pg_temp
	set plan_cache_mode = force_generic_plan
	set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$ begin
	return query select public.accept_messages(m_workspace, m_id, m_mailbox, m_source_key, m_received_at,
		m_envelope, m_size, m_raw_hash, m_content_hash, m_attempt, m_lease, b_workspace, b_hash, b_chunk, b_sealed);
	insert into public.imap_uid as u (workspace_id, folder_id, epoch, uid, state, message_id, hash, size)
	select distinct on (p.workspace, p.folder, p.epoch, p.uid) p.workspace, p.folder, p.epoch, p.uid, 'stored', l.id, l.raw_hash, l.size
	from unnest(p_workspace, p_source_key, p_folder, p_epoch, p_uid) as p (workspace, source_key, folder, epoch, uid)
	cross join lateral (
		select m.id, m.raw_hash, m.size from public.message m
		where m.source_key = p.source_key and m.workspace_id = p.workspace offset 0) l
	on conflict (workspace_id, folder_id, epoch, uid) do update
		set state = 'stored', message_id = excluded.message_id, hash = excluded.hash, size = excluded.size,
			present = true, due_at = null, reason = null, at = now()
		where u.state <> 'stored';
end $$;
-- +goose StatementEnd

-- poll_beat renews a process's lease on all its mailboxes and forgets processes
-- that have died. It tells among how many processes how many mailboxes are to be
-- shared.
-- +goose StatementBegin
create function poll_beat(process uuid, lease interval)
	returns table (processes bigint, mailboxes bigint)
	language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$ begin
	insert into public.poll_process as p (id, until) values (process, now() + lease)
	on conflict (id) do update set until = excluded.until;
	delete from public.poll_process p where p.until < now() - lease;
	return query select
		(select count(*) from public.poll_process p where p.until > now()),
		(select count(*) from public.imap_account a where a.enabled);
end $$;
-- +goose StatementEnd

-- poll_claim gives a process up to n mailboxes that nobody alive polls. Raising
-- the fence is what takes them away from an earlier holder.
-- +goose StatementBegin
create function poll_claim(process uuid, n int) returns bigint
	language sql security definer set search_path = pg_catalog, public, pg_temp
as $$
	with free as materialized (
		select a.workspace_id, a.mailbox_id from public.imap_account a
		where a.enabled and (a.holder is null
			or not exists (select from public.poll_process p where p.id = a.holder and p.until > now()))
		order by a.polled_at nulls first limit n for update skip locked),
	taken as (
		update public.imap_account a set holder = process, fence = a.fence + 1
		from free where a.workspace_id = free.workspace_id and a.mailbox_id = free.mailbox_id
		returning 1)
	select count(*) from taken
$$;
-- +goose StatementEnd

-- poll_held lists what a process is to poll: the mailboxes that it holds.
-- +goose StatementBegin
create function poll_held(process uuid)
	returns table (workspace_id uuid, mailbox_id uuid, fence bigint, version int)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select a.workspace_id, a.mailbox_id, a.fence, a.version from public.imap_account a
	where a.holder = process and a.enabled order by a.mailbox_id
$$;
-- +goose StatementEnd

-- poll_release gives up to n mailboxes of a process back; all when n is null,
-- and then the process is forgotten too.
-- +goose StatementBegin
create function poll_release(process uuid, n int) returns bigint
	language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$ declare given bigint; begin
	with spare as materialized (
		select a.workspace_id, a.mailbox_id from public.imap_account a
		where a.holder = process order by a.mailbox_id desc limit n for update)
	update public.imap_account a set holder = null
	from spare where a.workspace_id = spare.workspace_id and a.mailbox_id = spare.mailbox_id;
	get diagnostics given = row_count;
	if n is null then delete from public.poll_process p where p.id = process; end if;
	return given;
end $$;
-- +goose StatementEnd

-- poll_reset forgets all processes: for a private database that was just started,
-- when nobody can hold anything.
-- +goose StatementBegin
create function poll_reset() returns void
	language sql security definer set search_path = pg_catalog, public, pg_temp
	as 'delete from public.poll_process';
-- +goose StatementEnd

-- poll_report writes how the polling of a process's mailboxes goes. Rows that are
-- not its own any more are left alone.
-- +goose StatementBegin
create function poll_report(r_workspace uuid[], r_mailbox uuid[], r_fence bigint[], r_state text[], r_state_at timestamptz[],
	r_polled_at timestamptz[], r_backlog bigint[], r_taken bigint[], r_failures int[], r_reason text[]) returns void
	language sql security definer set search_path = pg_catalog, public, pg_temp
	set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
	update public.imap_account a set state = r.state, state_at = r.state_at,
		polled_at = coalesce(r.polled_at, a.polled_at), backlog = r.backlog, taken = a.taken + r.taken,
		failures = r.failures, reason = r.reason
	from unnest(r_workspace, r_mailbox, r_fence, r_state, r_state_at, r_polled_at, r_backlog, r_taken, r_failures, r_reason)
		as r (workspace, mailbox, fence, state, state_at, polled_at, backlog, taken, failures, reason)
	where a.workspace_id = r.workspace and a.mailbox_id = r.mailbox and a.fence = r.fence
$$;
-- +goose StatementEnd

-- poll_late lists the mailboxes of all workspaces that have not been polled well
-- for two of their intervals, whether anybody polls them or not.
-- +goose StatementBegin
create function poll_late(slack interval)
	returns table (workspace_id uuid, mailbox_id uuid, address text, state text, polled_at timestamptz, reason text, failures int, held boolean)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select a.workspace_id, a.mailbox_id, m.address, a.state, a.polled_at, a.reason, a.failures,
		exists (select from public.poll_process p where p.id = a.holder and p.until > now())
	from public.imap_account a
	join public.mailbox m on m.workspace_id = a.workspace_id and m.id = a.mailbox_id
	where a.enabled and coalesce(a.polled_at, a.created_at) < now() - 2 * a.poll_every - slack
		and not (a.state = 'catching_up' and a.state_at > now() - 2 * a.poll_every - slack)
	order by a.mailbox_id limit 1000
$$;
-- +goose StatementEnd

revoke execute on function
	accept_placed(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], int[], interval, uuid[], bytea[], int[], bytea[], uuid[], text[], uuid[], int[], bigint[]),
	poll_beat(uuid, interval), poll_claim(uuid, int), poll_held(uuid), poll_release(uuid, int), poll_reset(), poll_late(interval),
	poll_report(uuid[], uuid[], bigint[], text[], timestamptz[], timestamptz[], bigint[], bigint[], int[], text[]) from public;
grant execute on function
	accept_placed(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], int[], interval, uuid[], bytea[], int[], bytea[], uuid[], text[], uuid[], int[], bigint[]),
	poll_beat(uuid, interval), poll_claim(uuid, int), poll_held(uuid), poll_release(uuid, int), poll_reset(), poll_late(interval),
	poll_report(uuid[], uuid[], bigint[], text[], timestamptz[], timestamptz[], bigint[], bigint[], int[], text[]) to postroom_app;
