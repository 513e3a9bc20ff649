-- +goose Up
-- Messages, their raw bytes, the queue and the ledger.
-- Locks nothing: all tables are new.

-- Raw mail: content-addressed, compressed and sealed in chunks of at most 1 MiB
-- before sealing (ingest/raw.go). The chunks are bytes that do not compress.
create table blob (
	workspace_id uuid not null,
	hash         bytea not null check (length(hash) = 32), -- SHA-256 of the whole content
	chunk        int not null check (chunk >= 0),
	sealed       bytea not null,
	primary key (workspace_id, hash, chunk)
) with (toast_tuple_target = 8160);
alter table blob alter column sealed set storage external;

-- One message row for each mailbox that received the mail. The row is the job:
-- a message waits in one of three stages until it reaches a final one.
--
--   received -> parsed -> scored -> filed | held | duplicate | failed
create table message (
	workspace_id uuid not null,
	id           uuid not null, -- UUIDv7: the order of arrival
	mailbox_id   uuid not null,
	source_key   text not null,
	received_at  timestamptz not null,
	envelope     jsonb not null, -- door, mail_from, rcpt_to, peer, helo, tls
	size         bigint not null,
	raw_hash     bytea not null,
	content_hash bytea not null, -- identity: the content without trace fields

	stage        text not null check (stage in ('received', 'parsed', 'scored', 'filed', 'held', 'duplicate', 'failed')),
	due_at       timestamptz not null, -- when it may be claimed: a lease while someone works on it
	attempt      int not null,         -- the fence: only the holder of the last claim may finish
	attempt_base int not null default 0, -- attempts that do not count against it
	failures     int not null default 0, -- attempts that failed, since a person had it tried anew
	trail        jsonb not null default '[]', -- the passport: one entry for each step

	subject      text not null default '',
	from_name    text not null default '',
	from_email   text not null default '',
	message_id   text not null default '',
	sent_at      timestamptz,          -- the Date field: shown, never trusted
	verdict      text check (verdict in ('ham', 'unsure', 'spam')), -- the filter's
	judged       text check (judged in ('ham', 'spam')),            -- a person's, which goes first
	score        float8 check (score between 0 and 1),
	cause        text,                 -- why held or failed, one word of a fixed list
	reason       text,                 -- the same for people
	ticket_id    uuid,
	duplicate_of uuid,
	done_at      timestamptz,          -- when the final stage was reached
	primary key (workspace_id, id),
	constraint message_source_key unique (source_key, workspace_id),
	foreign key (workspace_id, mailbox_id) references mailbox (workspace_id, id),
	check (stage <> 'filed' or ticket_id is not null),
	check (stage <> 'duplicate' or duplicate_of is not null),
	check (stage not in ('held', 'failed') or (cause is not null and reason is not null))
);
create index message_content_idx on message (content_hash, workspace_id);
create index message_due_idx on message (due_at) where stage in ('received', 'parsed', 'scored');
create index message_stopped_idx on message (workspace_id, stage, id) where stage in ('held', 'failed', 'duplicate');

-- One row for each commit of Accept and each workspace in it: an account of what
-- was promised, kept apart from the messages themselves.
create table acceptance (
	workspace_id uuid not null,
	id           uuid not null default gen_random_uuid(),
	at           timestamptz not null default now(),
	messages     int not null,
	bytes        bigint not null,
	primary key (workspace_id, id)
);

-- What was offered and refused, counted by minute, door and cause. The sender of
-- such mail still has it.
create table refusal (
	at     timestamptz not null,
	door   text not null,
	cause  text not null,
	count  bigint not null,
	primary key (at, door, cause)
);

-- A stage listed here rests: its messages wait until the row is gone.
create table paused_stage (
	stage  text primary key check (stage in ('received', 'parsed', 'scored')),
	reason text not null,
	at     timestamptz not null default now()
);

-- What is not searchable yet, and the words of what is.
create table search_due (
	workspace_id uuid not null,
	message_id   uuid not null,
	at           timestamptz not null default now(),
	primary key (workspace_id, message_id)
);
create index search_due_at_idx on search_due (at);
create table message_words (
	workspace_id uuid not null,
	message_id   uuid not null,
	words        tsvector not null,
	primary key (workspace_id, message_id),
	foreign key (workspace_id, message_id) references message (workspace_id, id)
);
create index message_words_idx on message_words using gin (words);

-- The planner must never take the workspace alone for a key: of one that is not
-- among the most common values it would expect a single row, and read all of
-- them. Without statistics it expects a two-hundredth of the table. For the same
-- reason only primary keys begin with the workspace where rows are reached singly.
alter table blob          alter workspace_id set statistics 0;
alter table message       alter workspace_id set statistics 0;
alter table search_due    alter workspace_id set statistics 0;
alter table message_words alter workspace_id set statistics 0;

alter table blob          enable row level security;
alter table blob          force  row level security;
alter table message       enable row level security;
alter table message       force  row level security;
alter table acceptance    enable row level security;
alter table acceptance    force  row level security;
alter table search_due    enable row level security;
alter table search_due    force  row level security;
alter table message_words enable row level security;
alter table message_words force  row level security;

create policy workspace_scope on blob          to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on message       to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on acceptance    to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on search_due    to postroom_app using (workspace_id = current_workspace());
create policy workspace_scope on message_words to postroom_app using (workspace_id = current_workspace());
create policy owner_all on blob          to current_user using (true);
create policy owner_all on message       to current_user using (true);
create policy owner_all on acceptance    to current_user using (true);
create policy owner_all on search_due    to current_user using (true);
create policy owner_all on message_words to current_user using (true);

-- No mail is ever deleted by the application, nor its account.
grant select on blob, acceptance to postroom_app;
grant select, update on message to postroom_app;
grant select, insert, update, delete on search_due to postroom_app;
grant select, insert, update on message_words to postroom_app;
grant select, insert, update on refusal to postroom_app;
grant select, insert, update, delete on paused_stage to postroom_app;

-- accept_messages stores messages of any workspaces, their raw bytes and the
-- account of it, in one statement and so in one transaction. It returns the ids
-- of the new rows; a source key that is known already adds nothing.
-- +goose StatementBegin
create function accept_messages(
	m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamptz[],
	m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_lease interval[], m_attempt int[],
	b_workspace uuid[], b_hash bytea[], b_chunk int[], b_sealed bytea[])
	returns setof uuid
	language plpgsql security definer set search_path = pg_catalog, public, pg_temp
	set plan_cache_mode = force_generic_plan
as $$ begin
	insert into public.blob (workspace_id, hash, chunk, sealed)
	select * from unnest(b_workspace, b_hash, b_chunk, b_sealed)
	on conflict do nothing;
	return query
	with stored as (
		insert into public.message (workspace_id, id, mailbox_id, source_key, received_at, envelope,
			size, raw_hash, content_hash, stage, due_at, attempt)
		select a.workspace, a.id, a.mailbox, a.source_key, a.received_at, a.envelope::jsonb,
			a.size, a.raw_hash, a.content_hash, 'received', now() + a.lease, a.attempt
		from unnest(m_workspace, m_id, m_mailbox, m_source_key, m_received_at, m_envelope,
			m_size, m_raw_hash, m_content_hash, m_lease, m_attempt)
			as a (workspace, id, mailbox, source_key, received_at, envelope, size, raw_hash, content_hash, lease, attempt)
		on conflict do nothing
		returning message.workspace_id, message.id, message.size
	), account as (
		insert into public.acceptance (workspace_id, messages, bytes)
		select s.workspace_id, count(*), sum(s.size) from stored s group by s.workspace_id
	)
	select s.id from stored s;
end $$;
-- +goose StatementEnd

-- put_chunk stores one piece of a mail that is too large to be stored with its
-- message. The edge may add pieces and read none.
-- +goose StatementBegin
create function put_chunk(workspace uuid, hash bytea, chunk int, sealed bytea) returns void
	language sql security definer set search_path = pg_catalog, public, pg_temp
as $$
	insert into public.blob (workspace_id, hash, chunk, sealed) values ($1, $2, $3, $4)
	on conflict do nothing
$$;
-- +goose StatementEnd

-- claim_messages leases up to n waiting messages that are due, of all
-- workspaces, whichever waits longest first. Raising the attempt is what takes
-- the message away from an earlier holder.
-- +goose StatementBegin
create function claim_messages(n int, lease interval)
	returns table (workspace_id uuid, id uuid, attempt int, mailbox_id uuid, source_key text, received_at timestamptz,
		envelope jsonb, size bigint, raw_hash bytea, content_hash bytea, stage text, verdict text, score float8, judged text, tries int, failures int)
	language sql security definer set search_path = pg_catalog, public, pg_temp
	set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set enable_sort = off
as $$
	with due as materialized (
		select m.workspace_id, m.id from public.message m
		where m.stage in ('received', 'parsed', 'scored') and m.due_at <= now()
			and m.stage not in (select p.stage from public.paused_stage p)
		order by m.due_at limit n for update skip locked)
	update public.message m set due_at = now() + lease, attempt = m.attempt + 1
	from due where m.workspace_id = due.workspace_id and m.id = due.id
	returning m.workspace_id, m.id, m.attempt, m.mailbox_id, m.source_key, m.received_at,
		m.envelope, m.size, m.raw_hash, m.content_hash, m.stage, m.verdict, m.score, m.judged, m.attempt - m.attempt_base, m.failures
$$;
-- +goose StatementEnd

-- release_leases makes every waiting message due now that is not held back by a
-- failure, and any that is due later than a lease or a failure could have made
-- it: for a start after a crash, when nobody else can hold a lease, and for a
-- clock that was set back. The fence keeps a holder who does exist from finishing
-- twice; a row that somebody has locked is being finished.
-- +goose StatementBegin
create function release_leases() returns bigint
	language sql security definer set search_path = pg_catalog, public, pg_temp
as $$
	with held as materialized (
		select m.workspace_id, m.id from public.message m
		where m.stage in ('received', 'parsed', 'scored') and m.due_at > now()
			and (m.cause is null or m.due_at > now() + interval '20 minutes')
		order by m.id for update skip locked),
	freed as (
		update public.message m set due_at = now()
		from held where m.workspace_id = held.workspace_id and m.id = held.id
		returning 1)
	select count(*) from freed
$$;
-- +goose StatementEnd

-- queue_depth tells how many messages wait in each stage, of all workspaces, how
-- many of them are due, and since when the oldest waits.
-- +goose StatementBegin
create function queue_depth()
	returns table (stage text, waiting bigint, due bigint, oldest timestamptz)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select m.stage, count(*), count(*) filter (where m.due_at <= now()), min(m.received_at)
	from public.message m where m.stage in ('received', 'parsed', 'scored') group by m.stage
$$;
-- +goose StatementEnd

-- search_waiting returns the workspaces that have messages to be made searchable.
-- +goose StatementBegin
create function search_waiting(n int)
	returns table (workspace_id uuid, oldest timestamptz)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select d.workspace_id, min(d.at) from (
		select s.workspace_id, s.at from public.search_due s order by s.at limit n) d
	group by d.workspace_id
$$;
-- +goose StatementEnd

-- search_words returns the messages of the workspace in scope that hold all words
-- of a query, latest first, at most n. The text operator may not be used as an
-- index condition under row-level security, so this runs as the owner and sets
-- the scope itself.
-- +goose StatementBegin
create function search_words(query text, before uuid, n int) returns setof uuid
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select w.message_id from public.message_words w
	where w.workspace_id = public.current_workspace()
		and (before is null or w.message_id < before)
		and w.words @@ websearch_to_tsquery('simple', query)
	order by w.message_id desc limit n
$$;
-- +goose StatementEnd

revoke execute on function
	accept_messages(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], interval[], int[], uuid[], bytea[], int[], bytea[]),
	put_chunk(uuid, bytea, int, bytea), claim_messages(int, interval), release_leases(), queue_depth(), search_waiting(int), search_words(text, uuid, int) from public;
grant execute on function
	accept_messages(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], interval[], int[], uuid[], bytea[], int[], bytea[]),
	put_chunk(uuid, bytea, int, bytea), claim_messages(int, interval), release_leases(), queue_depth(), search_waiting(int), search_words(text, uuid, int) to postroom_app;
