-- +goose Up
-- What was locked is reached by its place: joined by its key, a queue that was
-- empty when it was counted last is read whole for each message.
-- +goose StatementBegin
create or replace function claim_messages(n int, lease interval)
	returns table (workspace_id uuid, id uuid, attempt int, mailbox_id uuid, source_key text, received_at timestamptz, envelope jsonb,
		size bigint, raw_hash bytea, content_hash bytea, stage text, verdict text, score float8, judged text, tries int, failures int)
	language sql security definer set search_path = pg_catalog, public, pg_temp
	set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off set enable_sort = off
as $$
	with due as materialized (
		select j.ctid as place from public.job j
		where j.due_at <= now() and j.stage not in (select p.stage from public.paused_stage p)
		order by j.due_at limit n for update skip locked),
	claimed as (
		update public.job j set due_at = now() + lease, attempt = j.attempt + 1
		from due where j.ctid = due.place
		returning j.*)
	select c.workspace_id, c.message_id, c.attempt, m.mailbox_id, m.source_key, m.received_at,
		m.envelope, m.size, m.raw_hash, m.content_hash, c.stage, m.verdict, m.score, m.judged, c.attempt - c.attempt_base, c.failures
	from claimed c
	cross join lateral (
		select x.* from public.message x where x.workspace_id = c.workspace_id and x.id = c.message_id offset 0) m
$$;
-- +goose StatementEnd
