-- +goose Up
-- What is only true of a waiting message moves out of its row: its lease, its
-- attempts, and the place in the queue. Filing then changes nothing of the message
-- that an index holds, so the new version of its row stays on its page and no index
-- is written a second time.
-- Rewrites the table message and locks it meanwhile.

lock table message in access exclusive mode; -- a process of the version before must not accept or file meanwhile

create table job (
	workspace_id uuid not null,
	message_id   uuid not null,
	stage        text not null check (stage in ('received', 'parsed', 'scored')),
	received_at  timestamptz not null,
	due_at       timestamptz not null, -- when it may be claimed: a lease while someone works on it
	attempt      int not null,         -- the fence: only the holder of the last claim may finish
	attempt_base int not null default 0, -- attempts that do not count against it
	failures     int not null default 0, -- attempts that failed, since a person had it tried anew
	primary key (workspace_id, message_id)
);
create index job_due_idx on job (due_at);
alter table job alter workspace_id set statistics 0;

alter table job enable row level security;
alter table job force  row level security;
create policy workspace_scope on job to postroom_app using (workspace_id = current_workspace());
create policy owner_all on job to current_user using (true);
grant select, insert, update, delete on job to postroom_app;

insert into job
select workspace_id, id, stage, received_at, due_at, attempt, attempt_base, failures
from message where stage in ('received', 'parsed', 'scored');

drop index message_stopped_idx;
alter table message
	drop column due_at, drop column attempt_base, drop column failures, -- and the index of due messages
	-- Null for what is filed, so that filing does not touch its index.
	add column stopped text generated always as (case when stage in ('held', 'failed', 'duplicate') then stage end) stored;
create index message_stopped_idx on message (workspace_id, stopped, id) where stopped is not null;
-- A row triples when it is filed: its page keeps that room.
alter table message set (fillfactor = 25);
comment on column message.attempt is 'of the job that ended last; a new job begins behind it';

drop function accept_messages(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], interval[], int[], uuid[], bytea[], int[], bytea[]);

-- Stores a batch: raw mail, messages, their jobs, and a line of account for each
-- workspace. A message whose source key is known is left out, so offering a batch
-- again changes nothing. A job with an attempt is born leased for m_lease to the
-- process that offers it.
-- +goose StatementBegin
create function accept_messages(
	m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamptz[],
	m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt int[], m_lease interval,
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
			size, raw_hash, content_hash, stage, attempt)
		select a.workspace, a.id, a.mailbox, a.source_key, a.received_at, a.envelope::jsonb,
			a.size, a.raw_hash, a.content_hash, 'received', a.attempt
		from unnest(m_workspace, m_id, m_mailbox, m_source_key, m_received_at, m_envelope,
			m_size, m_raw_hash, m_content_hash, m_attempt)
			as a (workspace, id, mailbox, source_key, received_at, envelope, size, raw_hash, content_hash, attempt)
		on conflict do nothing
		returning message.workspace_id, message.id, message.received_at, message.size, message.attempt
	), queued as (
		insert into public.job (workspace_id, message_id, stage, received_at, due_at, attempt)
		select s.workspace_id, s.id, 'received', s.received_at,
			now() + case when s.attempt > 0 then m_lease else interval '0' end, s.attempt
		from stored s
	), account as (
		insert into public.acceptance (workspace_id, messages, bytes)
		select s.workspace_id, count(*), sum(s.size) from stored s group by s.workspace_id
	)
	select s.id from stored s;
end $$;
-- +goose StatementEnd

-- Claims are leases: a claimed job is due again when the lease runs out. The
-- attempt is the fence by which only the last claimer may finish it.
-- +goose StatementBegin
create or replace function claim_messages(n int, lease interval)
	returns table (workspace_id uuid, id uuid, attempt int, mailbox_id uuid, source_key text, received_at timestamptz,
		envelope jsonb, size bigint, raw_hash bytea, content_hash bytea, stage text, verdict text, score float8, judged text, tries int, failures int)
	language sql security definer set search_path = pg_catalog, public, pg_temp
	set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set enable_sort = off
as $$
	with due as materialized (
		select j.workspace_id, j.message_id from public.job j
		where j.due_at <= now() and j.stage not in (select p.stage from public.paused_stage p)
		order by j.due_at limit n for update skip locked),
	claimed as (
		update public.job j set due_at = now() + lease, attempt = j.attempt + 1
		from due where j.workspace_id = due.workspace_id and j.message_id = due.message_id
		returning j.*)
	select c.workspace_id, c.message_id, c.attempt, m.mailbox_id, m.source_key, m.received_at,
		m.envelope, m.size, m.raw_hash, m.content_hash, c.stage, m.verdict, m.score, m.judged, c.attempt - c.attempt_base, c.failures
	from claimed c
	cross join lateral (
		select x.* from public.message x where x.workspace_id = c.workspace_id and x.id = c.message_id offset 0) m
$$;
-- +goose StatementEnd

-- Frees what a process that is gone had claimed; what waits for another attempt
-- after a failure goes on waiting, unless the clock was set back under it.
-- +goose StatementBegin
create or replace function release_leases() returns bigint
	language sql security definer set search_path = pg_catalog, public, pg_temp
as $$
	with held as materialized (
		select j.workspace_id, j.message_id from public.job j
		where j.due_at > now() and (j.failures = 0 or j.due_at > now() + interval '20 minutes')
		order by j.message_id for update skip locked),
	freed as (
		update public.job j set due_at = now()
		from held where j.workspace_id = held.workspace_id and j.message_id = held.message_id
		returning 1)
	select count(*) from freed
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create or replace function queue_depth()
	returns table (stage text, waiting bigint, due bigint, oldest timestamptz)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
	select j.stage, count(*), count(*) filter (where j.due_at <= now()), min(j.received_at)
	from public.job j group by j.stage
$$;
-- +goose StatementEnd

revoke execute on function accept_messages(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], int[], interval, uuid[], bytea[], int[], bytea[]) from public;
grant execute on function accept_messages(uuid[], uuid[], uuid[], text[], timestamptz[], text[], bigint[], bytea[], bytea[], int[], interval, uuid[], bytea[], int[], bytea[]) to postroom_app;
