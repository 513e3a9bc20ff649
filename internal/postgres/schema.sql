-- Written by make schema from the migrations; for people to read.


CREATE FUNCTION public.accept_messages(m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamp with time zone[], m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt integer[], m_lease interval, b_workspace uuid[], b_hash bytea[], b_chunk integer[], b_sealed bytea[]) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$ begin
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

CREATE FUNCTION public.accept_placed(m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamp with time zone[], m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt integer[], m_lease interval, b_workspace uuid[], b_hash bytea[], b_chunk integer[], b_sealed bytea[], p_workspace uuid[], p_source_key text[], p_folder uuid[], p_epoch integer[], p_uid bigint[]) RETURNS SETOF uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$ begin
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

CREATE FUNCTION public.all_rows(written bigint, wanted bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$ begin
	if written <> wanted then
		raise exception '% of % rows are where they were', written, wanted using errcode = 'serialization_failure';
	end if;
end $$;

CREATE FUNCTION public.claim_messages(n integer, lease interval) RETURNS TABLE(workspace_id uuid, id uuid, attempt integer, mailbox_id uuid, source_key text, received_at timestamp with time zone, envelope jsonb, size bigint, raw_hash bytea, content_hash bytea, stage text, verdict text, score double precision, judged text, tries integer, failures integer)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$
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

CREATE FUNCTION public.current_workspace() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('postroom.workspace'::text, true), ''::text))::uuid;

CREATE FUNCTION public.oauth_due(n integer) RETURNS TABLE(workspace_id uuid, mailbox_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
	select g.workspace_id, g.mailbox_id from public.oauth_grant g
	where g.ended_at is null and g.refresh_at <= now() order by g.refresh_at limit n
$$;

CREATE FUNCTION public.poll_beat(process uuid, lease interval) RETURNS TABLE(processes bigint, mailboxes bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ begin
	insert into public.poll_process as p (id, until) values (process, now() + lease)
	on conflict (id) do update set until = excluded.until;
	delete from public.poll_process p where p.until < now() - lease;
	return query select
		(select count(*) from public.poll_process p where p.until > now()),
		(select count(*) from public.imap_account a where a.enabled);
end $$;

CREATE FUNCTION public.poll_claim(process uuid, n integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.poll_held(process uuid) RETURNS TABLE(workspace_id uuid, mailbox_id uuid, fence bigint, version integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
	select a.workspace_id, a.mailbox_id, a.fence, a.version from public.imap_account a
	where a.holder = process and a.enabled order by a.mailbox_id
$$;

CREATE FUNCTION public.poll_late(slack interval) RETURNS TABLE(workspace_id uuid, mailbox_id uuid, address text, state text, polled_at timestamp with time zone, reason text, failures integer, held boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
	select a.workspace_id, a.mailbox_id, m.address, a.state, a.polled_at, a.reason, a.failures,
		exists (select from public.poll_process p where p.id = a.holder and p.until > now())
	from public.imap_account a
	join public.mailbox m on m.workspace_id = a.workspace_id and m.id = a.mailbox_id
	where a.enabled and coalesce(a.polled_at, a.created_at) < now() - 2 * a.poll_every - slack
		and not (a.state = 'catching_up' and a.state_at > now() - 2 * a.poll_every - slack)
	order by a.mailbox_id limit 1000
$$;

CREATE FUNCTION public.poll_release(process uuid, n integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$ declare given bigint; begin
	with spare as materialized (
		select a.workspace_id, a.mailbox_id from public.imap_account a
		where a.holder = process order by a.mailbox_id desc limit n for update)
	update public.imap_account a set holder = null
	from spare where a.workspace_id = spare.workspace_id and a.mailbox_id = spare.mailbox_id;
	get diagnostics given = row_count;
	if n is null then delete from public.poll_process p where p.id = process; end if;
	return given;
end $$;

CREATE FUNCTION public.poll_report(r_workspace uuid[], r_mailbox uuid[], r_fence bigint[], r_state text[], r_state_at timestamp with time zone[], r_polled_at timestamp with time zone[], r_backlog bigint[], r_taken bigint[], r_failures integer[], r_reason text[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
	update public.imap_account a set state = r.state, state_at = r.state_at,
		polled_at = coalesce(r.polled_at, a.polled_at), backlog = r.backlog, taken = a.taken + r.taken,
		failures = r.failures, reason = r.reason
	from unnest(r_workspace, r_mailbox, r_fence, r_state, r_state_at, r_polled_at, r_backlog, r_taken, r_failures, r_reason)
		as r (workspace, mailbox, fence, state, state_at, polled_at, backlog, taken, failures, reason)
	where a.workspace_id = r.workspace and a.mailbox_id = r.mailbox and a.fence = r.fence
$$;

CREATE FUNCTION public.poll_reset() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$delete from public.poll_process$$;

CREATE FUNCTION public.put_chunk(workspace uuid, hash bytea, chunk integer, sealed bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
	insert into public.blob (workspace_id, hash, chunk, sealed) values ($1, $2, $3, $4)
	on conflict do nothing
$_$;

CREATE FUNCTION public.queue_depth() RETURNS TABLE(stage text, waiting bigint, due bigint, oldest timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
	select j.stage, count(*), count(*) filter (where j.due_at <= now()), min(j.received_at)
	from public.job j group by j.stage
$$;

CREATE FUNCTION public.refresh_statistics() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET default_statistics_target TO '5'
    AS $$
declare
	t  name;
	n  int := 0;
begin
	for t in
		select c.relname
		from unnest('{message,blob,acceptance,ticket,post,thread_ref,audit,search_due,job}'::name[]) as w (name)
		join pg_class c on c.oid = to_regclass('public.' || w.name)
		where pg_stat_get_live_tuples(c.oid) > 500 + 2 * greatest(c.reltuples, 0)
	loop
		execute format('analyze public.%I', t);
		n := n + 1;
	end loop;
	return n;
end $$;

CREATE FUNCTION public.release_leases() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.route(addresses text[]) RETURNS TABLE(address text, workspace_id uuid, mailbox_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$select m.address, m.workspace_id, m.id from public.mailbox m where m.address = any (addresses)$$;

CREATE FUNCTION public.search_waiting(n integer) RETURNS TABLE(workspace_id uuid, oldest timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
	select d.workspace_id, min(d.at) from (
		select s.workspace_id, s.at from public.search_due s order by s.at limit n) d
	group by d.workspace_id
$$;

CREATE FUNCTION public.search_words(query text, before uuid, n integer) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
	select w.message_id from public.message_words w
	where w.workspace_id = public.current_workspace()
		and (before is null or w.message_id < before)
		and w.words @@ websearch_to_tsquery('simple', query)
	order by w.message_id desc limit n
$$;

CREATE FUNCTION public.ticket_root(workspace uuid, ticket uuid) RETURNS uuid
    LANGUAGE sql STABLE
    AS $_$
	with recursive up as (
		select t.id, t.merged_into from public.ticket t where t.workspace_id = $1 and t.id = $2
		union
		select t.id, t.merged_into from up join public.ticket t on t.workspace_id = $1 and t.id = up.merged_into)
	select id from up where merged_into is null
$_$;

CREATE FUNCTION public.workspaces() RETURNS TABLE(workspace_id uuid, name text, created_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$select w.workspace_id, w.name, w.created_at from public.workspace w order by w.workspace_id$$;

CREATE TABLE public.acceptance (
    workspace_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    messages integer NOT NULL,
    bytes bigint NOT NULL
)
WITH (autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');

ALTER TABLE ONLY public.acceptance FORCE ROW LEVEL SECURITY;

CREATE TABLE public.alert (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,
    what text NOT NULL,
    advice text NOT NULL,
    raised_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    count integer DEFAULT 1 NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    resolved_by text,
    CONSTRAINT alert_count_check CHECK ((count > 0))
);
ALTER TABLE ONLY public.alert ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.alert FORCE ROW LEVEL SECURITY;

CREATE TABLE public.alone (
    workspace_id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    ref bytea NOT NULL,
    message_id uuid NOT NULL,
    CONSTRAINT alone_ref_check CHECK ((length(ref) = 16))
);
ALTER TABLE ONLY public.alone ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.alone FORCE ROW LEVEL SECURITY;

CREATE TABLE public.audit (
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    detail text NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_hash_check CHECK ((length(hash) = 32))
)
WITH (autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.audit ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.audit ALTER COLUMN target SET STATISTICS 0;
ALTER TABLE ONLY public.audit ALTER COLUMN detail SET STATISTICS 0;
ALTER TABLE ONLY public.audit ALTER COLUMN hash SET STATISTICS 0;

ALTER TABLE ONLY public.audit FORCE ROW LEVEL SECURITY;

CREATE TABLE public.audit_head (
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_head_hash_check CHECK ((length(hash) = 32))
)
WITH (autovacuum_analyze_threshold='1000000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='2000');

ALTER TABLE ONLY public.audit_head FORCE ROW LEVEL SECURITY;

CREATE TABLE public.blob (
    workspace_id uuid NOT NULL,
    hash bytea NOT NULL,
    chunk integer NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT blob_chunk_check CHECK ((chunk >= 0)),
    CONSTRAINT blob_hash_check CHECK ((length(hash) = 32))
)
WITH (toast_tuple_target='8160', autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.blob ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.blob ALTER COLUMN hash SET STATISTICS 0;
ALTER TABLE ONLY public.blob ALTER COLUMN sealed SET STATISTICS 0;
ALTER TABLE ONLY public.blob ALTER COLUMN sealed SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.blob FORCE ROW LEVEL SECURITY;

CREATE TABLE public.classify_event (
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    message_id uuid NOT NULL,
    verdict text NOT NULL,
    replaces bigint,
    actor text NOT NULL,
    source text NOT NULL,
    features bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT classify_event_check CHECK ((replaces < seq)),
    CONSTRAINT classify_event_check1 CHECK (((verdict <> 'forget'::text) OR (replaces IS NOT NULL))),
    CONSTRAINT classify_event_seq_check CHECK ((seq > 0)),
    CONSTRAINT classify_event_source_check CHECK ((source = ANY (ARRAY['agent'::text, 'admin'::text, 'import'::text, 'auto'::text]))),
    CONSTRAINT classify_event_verdict_check CHECK ((verdict = ANY (ARRAY['ham'::text, 'spam'::text, 'forget'::text])))
);

ALTER TABLE ONLY public.classify_event FORCE ROW LEVEL SECURITY;

CREATE TABLE public.classify_head (
    workspace_id uuid NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    ham_below double precision DEFAULT 0.20 NOT NULL,
    spam_from double precision DEFAULT 0.98 NOT NULL,
    learn_replies boolean DEFAULT false NOT NULL,
    CONSTRAINT classify_head_band CHECK ((((0)::double precision <= ham_below) AND (ham_below <= spam_from) AND (spam_from <= (1)::double precision)))
);

ALTER TABLE ONLY public.classify_head FORCE ROW LEVEL SECURITY;

CREATE TABLE public.classify_sender (
    workspace_id uuid NOT NULL,
    pattern text NOT NULL,
    verdict text NOT NULL,
    actor text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT classify_sender_pattern_check CHECK (((pattern = lower(pattern)) AND (pattern <> ''::text) AND (length(pattern) <= 320))),
    CONSTRAINT classify_sender_verdict_check CHECK ((verdict = ANY (ARRAY['ham'::text, 'spam'::text])))
);

ALTER TABLE ONLY public.classify_sender FORCE ROW LEVEL SECURITY;

CREATE TABLE public.classify_snapshot (
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    version integer NOT NULL,
    model bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT classify_snapshot_sha256_check CHECK ((length(sha256) = 32))
);
ALTER TABLE ONLY public.classify_snapshot ALTER COLUMN model SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.classify_snapshot FORCE ROW LEVEL SECURITY;

CREATE TABLE public.imap_account (
    workspace_id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    security text NOT NULL,
    auth text NOT NULL,
    username text NOT NULL,
    secret bytea,
    since timestamp with time zone,
    mark_seen boolean DEFAULT false NOT NULL,
    after text DEFAULT 'keep'::text NOT NULL,
    move_to text DEFAULT ''::text NOT NULL,
    grace interval DEFAULT '7 days'::interval NOT NULL,
    poll_every interval DEFAULT '00:01:00'::interval NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    holder uuid,
    fence bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'new'::text NOT NULL,
    state_at timestamp with time zone DEFAULT now() NOT NULL,
    polled_at timestamp with time zone,
    backlog bigint DEFAULT 0 NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT imap_account_after_check CHECK ((after = ANY (ARRAY['keep'::text, 'move'::text, 'delete'::text]))),
    CONSTRAINT imap_account_auth_check CHECK ((auth = ANY (ARRAY['password'::text, 'oauth'::text]))),
    CONSTRAINT imap_account_check CHECK (((after <> 'move'::text) OR (move_to <> ''::text))),
    CONSTRAINT imap_account_check1 CHECK (((auth <> 'password'::text) OR (secret IS NOT NULL))),
    CONSTRAINT imap_account_host_check CHECK ((host <> ''::text)),
    CONSTRAINT imap_account_poll_every_check CHECK (((poll_every >= '00:00:01'::interval) AND (poll_every <= '1 day'::interval))),
    CONSTRAINT imap_account_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT imap_account_security_check CHECK ((security = ANY (ARRAY['tls'::text, 'starttls'::text, 'none'::text]))),
    CONSTRAINT imap_account_state_check CHECK ((state = ANY (ARRAY['new'::text, 'connecting'::text, 'catching_up'::text, 'watching'::text, 'waiting'::text, 'refused'::text]))),
    CONSTRAINT imap_account_username_check CHECK ((username <> ''::text))
);
ALTER TABLE ONLY public.imap_account ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.imap_account FORCE ROW LEVEL SECURITY;

CREATE TABLE public.imap_folder (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    name text NOT NULL,
    role text DEFAULT 'inbox'::text NOT NULL,
    validity bigint DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    adopting boolean DEFAULT false NOT NULL,
    last_uid bigint DEFAULT 0 NOT NULL,
    modseq bigint DEFAULT 0 NOT NULL,
    checked_at timestamp with time zone,
    on_server bigint DEFAULT 0 NOT NULL,
    in_ledger bigint DEFAULT 0 NOT NULL,
    learn boolean DEFAULT false NOT NULL,
    witnesses jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT imap_folder_check CHECK (((NOT learn) OR (role = 'junk'::text))),
    CONSTRAINT imap_folder_name_check CHECK ((name <> ''::text)),
    CONSTRAINT imap_folder_role_check CHECK ((role = ANY (ARRAY['inbox'::text, 'sent'::text, 'junk'::text])))
);
ALTER TABLE ONLY public.imap_folder ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.imap_folder FORCE ROW LEVEL SECURITY;

CREATE TABLE public.imap_uid (
    workspace_id uuid NOT NULL,
    folder_id uuid NOT NULL,
    epoch integer NOT NULL,
    uid bigint NOT NULL,
    state text NOT NULL,
    present boolean DEFAULT true NOT NULL,
    acted boolean DEFAULT false NOT NULL,
    seen boolean DEFAULT false NOT NULL,
    message_id uuid,
    hash bytea,
    size bigint,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    reason text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT imap_uid_check CHECK (((state <> 'stored'::text) OR ((message_id IS NOT NULL) AND (hash IS NOT NULL)))),
    CONSTRAINT imap_uid_check1 CHECK (((state <> ALL (ARRAY['waiting'::text, 'parked'::text])) OR ((reason IS NOT NULL) AND (due_at IS NOT NULL)))),
    CONSTRAINT imap_uid_state_check CHECK ((state = ANY (ARRAY['stored'::text, 'before'::text, 'gone'::text, 'waiting'::text, 'parked'::text]))),
    CONSTRAINT imap_uid_uid_check CHECK (((uid >= 1) AND (uid <= '4294967295'::bigint)))
);
ALTER TABLE ONLY public.imap_uid ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.imap_uid FORCE ROW LEVEL SECURITY;

CREATE TABLE public.installation (
    name text NOT NULL,
    value bytea NOT NULL
);

CREATE TABLE public.job (
    workspace_id uuid NOT NULL,
    message_id uuid NOT NULL,
    stage text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempt integer NOT NULL,
    attempt_base integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    CONSTRAINT job_stage_check CHECK ((stage = ANY (ARRAY['received'::text, 'parsed'::text, 'scored'::text])))
)
WITH (autovacuum_analyze_threshold='1000000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='2000');
ALTER TABLE ONLY public.job ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.job FORCE ROW LEVEL SECURITY;

CREATE TABLE public.kept_answer (
    workspace_id uuid NOT NULL,
    actor text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    holder uuid NOT NULL,
    status integer,
    header jsonb,
    body bytea,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT kept_answer_check CHECK ((((status IS NULL) = (body IS NULL)) AND ((status IS NULL) = (header IS NULL)))),
    CONSTRAINT kept_answer_key_check CHECK ((key <> ''::text)),
    CONSTRAINT kept_answer_request_check CHECK ((length(request) = 32))
);

ALTER TABLE ONLY public.kept_answer FORCE ROW LEVEL SECURITY;

CREATE TABLE public.mailbox (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    address text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT mailbox_address_check CHECK (((address = lower(address)) AND (POSITION(('@'::text) IN (address)) > 1)))
);

ALTER TABLE ONLY public.mailbox FORCE ROW LEVEL SECURITY;

CREATE TABLE public.message (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    source_key text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    envelope jsonb NOT NULL,
    size bigint NOT NULL,
    raw_hash bytea NOT NULL,
    content_hash bytea NOT NULL,
    stage text NOT NULL,
    attempt integer NOT NULL,
    trail jsonb DEFAULT '[]'::jsonb NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    from_name text DEFAULT ''::text NOT NULL,
    from_email text DEFAULT ''::text NOT NULL,
    message_id text DEFAULT ''::text NOT NULL,
    sent_at timestamp with time zone,
    verdict text,
    judged text,
    score double precision,
    cause text,
    reason text,
    ticket_id uuid,
    duplicate_of uuid,
    done_at timestamp with time zone,
    stopped text GENERATED ALWAYS AS (
CASE
    WHEN (stage = ANY (ARRAY['held'::text, 'failed'::text, 'duplicate'::text])) THEN stage
    ELSE NULL::text
END) STORED,
    CONSTRAINT message_check CHECK (((stage <> 'filed'::text) OR (ticket_id IS NOT NULL))),
    CONSTRAINT message_check1 CHECK (((stage <> 'duplicate'::text) OR (duplicate_of IS NOT NULL))),
    CONSTRAINT message_check2 CHECK (((stage <> ALL (ARRAY['held'::text, 'failed'::text])) OR ((cause IS NOT NULL) AND (reason IS NOT NULL)))),
    CONSTRAINT message_judged_check CHECK ((judged = ANY (ARRAY['ham'::text, 'spam'::text]))),
    CONSTRAINT message_score_check CHECK (((score >= (0)::double precision) AND (score <= (1)::double precision))),
    CONSTRAINT message_stage_check CHECK ((stage = ANY (ARRAY['received'::text, 'parsed'::text, 'scored'::text, 'filed'::text, 'held'::text, 'duplicate'::text, 'failed'::text]))),
    CONSTRAINT message_verdict_check CHECK ((verdict = ANY (ARRAY['ham'::text, 'unsure'::text, 'spam'::text])))
)
WITH (fillfactor='25', autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.message ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN source_key SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN envelope SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN raw_hash SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN content_hash SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN trail SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN from_name SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN message_id SET STATISTICS 0;
ALTER TABLE ONLY public.message ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE ONLY public.message FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.message.attempt IS 'of the job that ended last; a new job begins behind it';

CREATE TABLE public.message_words (
    workspace_id uuid NOT NULL,
    message_id uuid NOT NULL,
    words tsvector NOT NULL
)
WITH (autovacuum_analyze_threshold='200', autovacuum_analyze_scale_factor='0', autovacuum_vacuum_cost_delay='5', autovacuum_vacuum_cost_limit='100');
ALTER TABLE ONLY public.message_words ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.message_words ALTER COLUMN message_id SET STATISTICS 0;
ALTER TABLE ONLY public.message_words ALTER COLUMN words SET STATISTICS 0;

ALTER TABLE ONLY public.message_words FORCE ROW LEVEL SECURITY;

CREATE TABLE public.oauth_client (
    workspace_id uuid NOT NULL,
    provider text NOT NULL,
    kind text NOT NULL,
    issuer text DEFAULT ''::text NOT NULL,
    client_id text NOT NULL,
    secret bytea,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    app_only boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT oauth_client_client_id_check CHECK ((client_id <> ''::text)),
    CONSTRAINT oauth_client_kind_check CHECK ((kind = ANY (ARRAY['google'::text, 'microsoft'::text, 'oidc'::text]))),
    CONSTRAINT oauth_client_provider_check CHECK ((provider <> ''::text))
);

ALTER TABLE ONLY public.oauth_client FORCE ROW LEVEL SECURITY;

CREATE TABLE public.oauth_flow (
    workspace_id uuid NOT NULL,
    state bytea NOT NULL,
    mailbox_id uuid NOT NULL,
    provider text NOT NULL,
    verifier bytea NOT NULL,
    nonce text NOT NULL,
    redirect text NOT NULL,
    address text NOT NULL,
    shared boolean NOT NULL,
    actor text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    send boolean DEFAULT false NOT NULL,
    CONSTRAINT oauth_flow_state_check CHECK ((length(state) = 32))
);

ALTER TABLE ONLY public.oauth_flow FORCE ROW LEVEL SECURITY;

CREATE TABLE public.oauth_grant (
    workspace_id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    provider text NOT NULL,
    address text NOT NULL,
    scopes text NOT NULL,
    refresh bytea,
    refresh_before bytea,
    access bytea,
    expires_at timestamp with time zone,
    refresh_at timestamp with time zone DEFAULT now() NOT NULL,
    refreshes bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    ended_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    consented_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.oauth_grant FORCE ROW LEVEL SECURITY;

CREATE TABLE public.oauth_policy (
    workspace_id uuid NOT NULL,
    may_leave boolean NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.oauth_policy FORCE ROW LEVEL SECURITY;

CREATE TABLE public.oauth_use (
    workspace_id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    day date NOT NULL,
    provider text NOT NULL,
    purpose text NOT NULL,
    mails bigint DEFAULT 0 NOT NULL,
    octets bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.oauth_use FORCE ROW LEVEL SECURITY;

CREATE TABLE public.paused_stage (
    stage text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    CONSTRAINT paused_stage_stage_check CHECK ((stage = ANY (ARRAY['received'::text, 'parsed'::text, 'scored'::text])))
);

CREATE TABLE public.poll_process (
    id uuid NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE public.post (
    workspace_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    message_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    author_name text NOT NULL,
    author_email text NOT NULL,
    evidence text NOT NULL,
    others text[] NOT NULL,
    hidden boolean DEFAULT false NOT NULL,
    weight smallint DEFAULT 0 NOT NULL,
    automatic text DEFAULT ''::text NOT NULL,
    ref bytea,
    ours boolean DEFAULT false NOT NULL,
    CONSTRAINT post_ref_check CHECK ((length(ref) = 16))
)
WITH (autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.post ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.post ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ONLY public.post ALTER COLUMN others SET STATISTICS 0;

ALTER TABLE ONLY public.post FORCE ROW LEVEL SECURITY;

CREATE TABLE public.refusal (
    at timestamp with time zone NOT NULL,
    door text NOT NULL,
    cause text NOT NULL,
    count bigint NOT NULL
);

CREATE TABLE public.search_due (
    workspace_id uuid NOT NULL,
    message_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (autovacuum_analyze_threshold='1000000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='2000');
ALTER TABLE ONLY public.search_due ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.search_due FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sent_ref (
    workspace_id uuid NOT NULL,
    ref bytea NOT NULL,
    message_id uuid NOT NULL,
    CONSTRAINT sent_ref_ref_check CHECK ((length(ref) = 16))
);
ALTER TABLE ONLY public.sent_ref ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.sent_ref ALTER COLUMN ref SET STATISTICS 0;

ALTER TABLE ONLY public.sent_ref FORCE ROW LEVEL SECURITY;

CREATE TABLE public.session (
    hash bytea NOT NULL,
    actor text NOT NULL,
    credential bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT session_credential_check CHECK ((length(credential) = 32)),
    CONSTRAINT session_hash_check CHECK ((length(hash) = 32))
);

CREATE TABLE public.thread_ref (
    workspace_id uuid NOT NULL,
    mailbox_id uuid NOT NULL,
    ref bytea NOT NULL,
    ticket_id uuid NOT NULL,
    received boolean NOT NULL,
    CONSTRAINT thread_ref_ref_check CHECK ((length(ref) = 16))
)
WITH (autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.thread_ref ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.thread_ref ALTER COLUMN mailbox_id SET STATISTICS 0;
ALTER TABLE ONLY public.thread_ref ALTER COLUMN ref SET STATISTICS 0;

ALTER TABLE ONLY public.thread_ref FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ticket (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,
    mailbox_id uuid NOT NULL,
    subject text NOT NULL,
    status text NOT NULL,
    requester_name text NOT NULL,
    requester_email text NOT NULL,
    messages integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    merged_into uuid,
    apart boolean DEFAULT false NOT NULL,
    waits text DEFAULT ''::text NOT NULL,
    CONSTRAINT ticket_status_check CHECK ((status = ANY (ARRAY['open'::text, 'pending'::text, 'closed'::text]))),
    CONSTRAINT ticket_waits_check CHECK ((waits = ANY (ARRAY[''::text, 'answer'::text, 'report'::text])))
)
WITH (autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.ticket ALTER COLUMN workspace_id SET STATISTICS 0;
ALTER TABLE ONLY public.ticket ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE ONLY public.ticket ALTER COLUMN requester_name SET STATISTICS 0;

ALTER TABLE ONLY public.ticket FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ticket_counter (
    workspace_id uuid NOT NULL,
    last bigint NOT NULL
)
WITH (autovacuum_analyze_threshold='1000000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='2000');

ALTER TABLE ONLY public.ticket_counter FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ticket_move (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    source_id uuid NOT NULL,
    target_id uuid NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    undone_at timestamp with time zone,
    CONSTRAINT ticket_move_kind_check CHECK ((kind = ANY (ARRAY['merge'::text, 'split'::text])))
);
ALTER TABLE ONLY public.ticket_move ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.ticket_move FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ticket_moved (
    workspace_id uuid NOT NULL,
    move_id uuid NOT NULL,
    message_id uuid NOT NULL,
    evidence text NOT NULL,
    weight smallint NOT NULL
);
ALTER TABLE ONLY public.ticket_moved ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.ticket_moved FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ticket_related (
    workspace_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    other_id uuid NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL
)
WITH (autovacuum_analyze_threshold='1000', autovacuum_analyze_scale_factor='1', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_threshold='10000');
ALTER TABLE ONLY public.ticket_related ALTER COLUMN workspace_id SET STATISTICS 0;

ALTER TABLE ONLY public.ticket_related FORCE ROW LEVEL SECURITY;

CREATE TABLE public.workspace (
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workspace_name_check CHECK ((name <> ''::text))
);

ALTER TABLE ONLY public.workspace FORCE ROW LEVEL SECURITY;

CREATE TABLE public.workspace_key (
    workspace_id uuid NOT NULL,
    wrapped bytea NOT NULL
);

ALTER TABLE ONLY public.workspace_key FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY public.acceptance
    ADD CONSTRAINT acceptance_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.alone
    ADD CONSTRAINT alone_pkey PRIMARY KEY (workspace_id, mailbox_id, ref, message_id);

ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (workspace_id, seq);

ALTER TABLE ONLY public.blob
    ADD CONSTRAINT blob_pkey PRIMARY KEY (workspace_id, hash, chunk);

ALTER TABLE ONLY public.classify_event
    ADD CONSTRAINT classify_event_pkey PRIMARY KEY (workspace_id, seq);

ALTER TABLE ONLY public.classify_event
    ADD CONSTRAINT classify_event_replaces_key UNIQUE (workspace_id, replaces);

ALTER TABLE ONLY public.classify_head
    ADD CONSTRAINT classify_head_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.classify_sender
    ADD CONSTRAINT classify_sender_pkey PRIMARY KEY (workspace_id, pattern);

ALTER TABLE ONLY public.classify_snapshot
    ADD CONSTRAINT classify_snapshot_pkey PRIMARY KEY (workspace_id, seq, version);

ALTER TABLE ONLY public.imap_account
    ADD CONSTRAINT imap_account_pkey PRIMARY KEY (workspace_id, mailbox_id);

ALTER TABLE ONLY public.imap_folder
    ADD CONSTRAINT imap_folder_name_key UNIQUE (mailbox_id, name, workspace_id);

ALTER TABLE ONLY public.imap_folder
    ADD CONSTRAINT imap_folder_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.imap_uid
    ADD CONSTRAINT imap_uid_pkey PRIMARY KEY (workspace_id, folder_id, epoch, uid);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY public.kept_answer
    ADD CONSTRAINT kept_answer_pkey PRIMARY KEY (workspace_id, actor, key);

ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT mailbox_address_key UNIQUE (address);

ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT mailbox_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_source_key UNIQUE (source_key, workspace_id);

ALTER TABLE ONLY public.message_words
    ADD CONSTRAINT message_words_pkey PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY public.oauth_client
    ADD CONSTRAINT oauth_client_pkey PRIMARY KEY (workspace_id, provider);

ALTER TABLE ONLY public.oauth_flow
    ADD CONSTRAINT oauth_flow_pkey PRIMARY KEY (workspace_id, state);

ALTER TABLE ONLY public.oauth_grant
    ADD CONSTRAINT oauth_grant_pkey PRIMARY KEY (workspace_id, mailbox_id);

ALTER TABLE ONLY public.oauth_policy
    ADD CONSTRAINT oauth_policy_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.oauth_use
    ADD CONSTRAINT oauth_use_pkey PRIMARY KEY (workspace_id, mailbox_id, day, purpose);

ALTER TABLE ONLY public.paused_stage
    ADD CONSTRAINT paused_stage_pkey PRIMARY KEY (stage);

ALTER TABLE ONLY public.poll_process
    ADD CONSTRAINT poll_process_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.post
    ADD CONSTRAINT post_pkey PRIMARY KEY (workspace_id, ticket_id, message_id);

ALTER TABLE ONLY public.refusal
    ADD CONSTRAINT refusal_pkey PRIMARY KEY (at, door, cause);

ALTER TABLE ONLY public.search_due
    ADD CONSTRAINT search_due_pkey PRIMARY KEY (workspace_id, message_id);

ALTER TABLE ONLY public.sent_ref
    ADD CONSTRAINT sent_ref_pkey PRIMARY KEY (workspace_id, ref);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.thread_ref
    ADD CONSTRAINT thread_ref_pkey PRIMARY KEY (workspace_id, mailbox_id, ref, ticket_id);

ALTER TABLE ONLY public.ticket_counter
    ADD CONSTRAINT ticket_counter_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.ticket_move
    ADD CONSTRAINT ticket_move_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.ticket_moved
    ADD CONSTRAINT ticket_moved_pkey PRIMARY KEY (workspace_id, move_id, message_id);

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_number_key UNIQUE (number, workspace_id);

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.ticket_related
    ADD CONSTRAINT ticket_related_pkey PRIMARY KEY (workspace_id, ticket_id, other_id);

ALTER TABLE ONLY public.workspace_key
    ADD CONSTRAINT workspace_key_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.workspace
    ADD CONSTRAINT workspace_pkey PRIMARY KEY (workspace_id);

CREATE UNIQUE INDEX alert_open_idx ON public.alert USING btree (target, kind, workspace_id) WHERE (resolved_at IS NULL);

CREATE INDEX alone_message_idx ON public.alone USING btree (message_id, workspace_id);

CREATE INDEX classify_event_message ON public.classify_event USING btree (workspace_id, message_id, seq DESC);

CREATE INDEX imap_uid_due_idx ON public.imap_uid USING btree (folder_id, due_at, workspace_id) WHERE (state = ANY (ARRAY['waiting'::text, 'parked'::text]));

CREATE INDEX job_due_idx ON public.job USING btree (due_at);

CREATE INDEX kept_answer_at_idx ON public.kept_answer USING btree (workspace_id, at);

CREATE INDEX message_content_idx ON public.message USING btree (content_hash, workspace_id);

CREATE INDEX message_stopped_idx ON public.message USING btree (workspace_id, stopped, id) WHERE (stopped IS NOT NULL);

CREATE INDEX message_words_idx ON public.message_words USING gin (words) WITH (gin_pending_list_limit='32768');

CREATE INDEX oauth_grant_due_idx ON public.oauth_grant USING btree (refresh_at) WHERE (ended_at IS NULL);

CREATE INDEX post_author_idx ON public.post USING btree (author_email, workspace_id, message_id);

CREATE INDEX search_due_at_idx ON public.search_due USING btree (at);

CREATE INDEX session_seen_idx ON public.session USING btree (seen_at);

CREATE INDEX ticket_merged_idx ON public.ticket USING btree (merged_into, workspace_id) WHERE (merged_into IS NOT NULL);

CREATE INDEX ticket_move_source_idx ON public.ticket_move USING btree (source_id, workspace_id);

CREATE INDEX ticket_move_target_idx ON public.ticket_move USING btree (target_id, workspace_id);

CREATE INDEX ticket_updated_idx ON public.ticket USING btree (workspace_id, updated_at, id);

ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id);

ALTER TABLE ONLY public.classify_event
    ADD CONSTRAINT classify_event_replaces_fkey FOREIGN KEY (workspace_id, replaces) REFERENCES public.classify_event(workspace_id, seq);

ALTER TABLE ONLY public.classify_event
    ADD CONSTRAINT classify_event_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.classify_head
    ADD CONSTRAINT classify_head_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.classify_sender
    ADD CONSTRAINT classify_sender_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.classify_snapshot
    ADD CONSTRAINT classify_snapshot_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.imap_account
    ADD CONSTRAINT imap_account_workspace_id_mailbox_id_fkey FOREIGN KEY (workspace_id, mailbox_id) REFERENCES public.mailbox(workspace_id, id);

ALTER TABLE ONLY public.imap_folder
    ADD CONSTRAINT imap_folder_workspace_id_mailbox_id_fkey FOREIGN KEY (workspace_id, mailbox_id) REFERENCES public.imap_account(workspace_id, mailbox_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT mailbox_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.message_words
    ADD CONSTRAINT message_words_workspace_id_message_id_fkey FOREIGN KEY (workspace_id, message_id) REFERENCES public.message(workspace_id, id);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_workspace_id_mailbox_id_fkey FOREIGN KEY (workspace_id, mailbox_id) REFERENCES public.mailbox(workspace_id, id);

ALTER TABLE ONLY public.oauth_client
    ADD CONSTRAINT oauth_client_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.oauth_flow
    ADD CONSTRAINT oauth_flow_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.oauth_grant
    ADD CONSTRAINT oauth_grant_workspace_id_mailbox_id_fkey FOREIGN KEY (workspace_id, mailbox_id) REFERENCES public.mailbox(workspace_id, id);

ALTER TABLE ONLY public.oauth_grant
    ADD CONSTRAINT oauth_grant_workspace_id_provider_fkey FOREIGN KEY (workspace_id, provider) REFERENCES public.oauth_client(workspace_id, provider);

ALTER TABLE ONLY public.oauth_policy
    ADD CONSTRAINT oauth_policy_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.post
    ADD CONSTRAINT post_workspace_id_message_id_fkey FOREIGN KEY (workspace_id, message_id) REFERENCES public.message(workspace_id, id);

ALTER TABLE ONLY public.post
    ADD CONSTRAINT post_workspace_id_ticket_id_fkey FOREIGN KEY (workspace_id, ticket_id) REFERENCES public.ticket(workspace_id, id);

ALTER TABLE ONLY public.ticket_counter
    ADD CONSTRAINT ticket_counter_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id);

ALTER TABLE ONLY public.ticket_move
    ADD CONSTRAINT ticket_move_workspace_id_source_id_fkey FOREIGN KEY (workspace_id, source_id) REFERENCES public.ticket(workspace_id, id);

ALTER TABLE ONLY public.ticket_move
    ADD CONSTRAINT ticket_move_workspace_id_target_id_fkey FOREIGN KEY (workspace_id, target_id) REFERENCES public.ticket(workspace_id, id);

ALTER TABLE ONLY public.ticket_moved
    ADD CONSTRAINT ticket_moved_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.ticket_move(workspace_id, id);

ALTER TABLE ONLY public.ticket_related
    ADD CONSTRAINT ticket_related_workspace_id_other_id_fkey FOREIGN KEY (workspace_id, other_id) REFERENCES public.ticket(workspace_id, id);

ALTER TABLE ONLY public.ticket_related
    ADD CONSTRAINT ticket_related_workspace_id_ticket_id_fkey FOREIGN KEY (workspace_id, ticket_id) REFERENCES public.ticket(workspace_id, id);

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_workspace_id_mailbox_id_fkey FOREIGN KEY (workspace_id, mailbox_id) REFERENCES public.mailbox(workspace_id, id);

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_workspace_id_merged_into_fkey FOREIGN KEY (workspace_id, merged_into) REFERENCES public.ticket(workspace_id, id);

ALTER TABLE ONLY public.workspace_key
    ADD CONSTRAINT workspace_key_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspace(workspace_id) ON DELETE CASCADE;

ALTER TABLE public.acceptance ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alone ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_head ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.blob ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.classify_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.classify_head ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.classify_sender ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.classify_snapshot ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.imap_account ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.imap_folder ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.imap_uid ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.job ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kept_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.mailbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_words ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.oauth_client ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.oauth_flow ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.oauth_grant ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.oauth_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.oauth_use ENABLE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON public.acceptance TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.alert TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.alone TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.audit TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.audit_head TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.blob TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.imap_account TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.imap_folder TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.imap_uid TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.job TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.kept_answer TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.mailbox TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.message TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.message_words TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.oauth_client TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.oauth_flow TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.oauth_grant TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.oauth_policy TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.oauth_use TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.post TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.search_due TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.sent_ref TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.thread_ref TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.ticket TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.ticket_counter TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.ticket_move TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.ticket_moved TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.ticket_related TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.workspace TO postroom_owner USING (true);

CREATE POLICY owner_all ON public.workspace_key TO postroom_owner USING (true);

ALTER TABLE public.post ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.search_due ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sent_ref ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.thread_ref ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_counter ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_move ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_moved ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_related ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workspace ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workspace_key ENABLE ROW LEVEL SECURITY;

CREATE POLICY workspace_scope ON public.acceptance TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.alert TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.alone TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.audit TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.audit_head TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.blob TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.classify_event USING ((workspace_id = public.current_workspace())) WITH CHECK ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.classify_head USING ((workspace_id = public.current_workspace())) WITH CHECK ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.classify_sender USING ((workspace_id = public.current_workspace())) WITH CHECK ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.classify_snapshot USING ((workspace_id = public.current_workspace())) WITH CHECK ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.imap_account TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.imap_folder TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.imap_uid TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.job TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.kept_answer TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.mailbox TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.message TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.message_words TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.oauth_client TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.oauth_flow TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.oauth_grant TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.oauth_policy TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.oauth_use TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.post TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.search_due TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.sent_ref TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.thread_ref TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.ticket TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.ticket_counter TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.ticket_move TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.ticket_moved TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.ticket_related TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.workspace TO postroom_app USING ((workspace_id = public.current_workspace()));

CREATE POLICY workspace_scope ON public.workspace_key TO postroom_app USING ((workspace_id = public.current_workspace()));

GRANT USAGE ON SCHEMA public TO postroom_app;

REVOKE ALL ON FUNCTION public.accept_messages(m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamp with time zone[], m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt integer[], m_lease interval, b_workspace uuid[], b_hash bytea[], b_chunk integer[], b_sealed bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.accept_messages(m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamp with time zone[], m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt integer[], m_lease interval, b_workspace uuid[], b_hash bytea[], b_chunk integer[], b_sealed bytea[]) TO postroom_app;

REVOKE ALL ON FUNCTION public.accept_placed(m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamp with time zone[], m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt integer[], m_lease interval, b_workspace uuid[], b_hash bytea[], b_chunk integer[], b_sealed bytea[], p_workspace uuid[], p_source_key text[], p_folder uuid[], p_epoch integer[], p_uid bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.accept_placed(m_workspace uuid[], m_id uuid[], m_mailbox uuid[], m_source_key text[], m_received_at timestamp with time zone[], m_envelope text[], m_size bigint[], m_raw_hash bytea[], m_content_hash bytea[], m_attempt integer[], m_lease interval, b_workspace uuid[], b_hash bytea[], b_chunk integer[], b_sealed bytea[], p_workspace uuid[], p_source_key text[], p_folder uuid[], p_epoch integer[], p_uid bigint[]) TO postroom_app;

REVOKE ALL ON FUNCTION public.all_rows(written bigint, wanted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.all_rows(written bigint, wanted bigint) TO postroom_app;

REVOKE ALL ON FUNCTION public.claim_messages(n integer, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_messages(n integer, lease interval) TO postroom_app;

REVOKE ALL ON FUNCTION public.oauth_due(n integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.oauth_due(n integer) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_beat(process uuid, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_beat(process uuid, lease interval) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_claim(process uuid, n integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_claim(process uuid, n integer) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_held(process uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_held(process uuid) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_late(slack interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_late(slack interval) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_release(process uuid, n integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_release(process uuid, n integer) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_report(r_workspace uuid[], r_mailbox uuid[], r_fence bigint[], r_state text[], r_state_at timestamp with time zone[], r_polled_at timestamp with time zone[], r_backlog bigint[], r_taken bigint[], r_failures integer[], r_reason text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_report(r_workspace uuid[], r_mailbox uuid[], r_fence bigint[], r_state text[], r_state_at timestamp with time zone[], r_polled_at timestamp with time zone[], r_backlog bigint[], r_taken bigint[], r_failures integer[], r_reason text[]) TO postroom_app;

REVOKE ALL ON FUNCTION public.poll_reset() FROM PUBLIC;
GRANT ALL ON FUNCTION public.poll_reset() TO postroom_app;

REVOKE ALL ON FUNCTION public.put_chunk(workspace uuid, hash bytea, chunk integer, sealed bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.put_chunk(workspace uuid, hash bytea, chunk integer, sealed bytea) TO postroom_app;

REVOKE ALL ON FUNCTION public.queue_depth() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_depth() TO postroom_app;

REVOKE ALL ON FUNCTION public.refresh_statistics() FROM PUBLIC;
GRANT ALL ON FUNCTION public.refresh_statistics() TO postroom_app;

REVOKE ALL ON FUNCTION public.release_leases() FROM PUBLIC;
GRANT ALL ON FUNCTION public.release_leases() TO postroom_app;

REVOKE ALL ON FUNCTION public.route(addresses text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.route(addresses text[]) TO postroom_app;

REVOKE ALL ON FUNCTION public.search_waiting(n integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_waiting(n integer) TO postroom_app;

REVOKE ALL ON FUNCTION public.search_words(query text, before uuid, n integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_words(query text, before uuid, n integer) TO postroom_app;

REVOKE ALL ON FUNCTION public.workspaces() FROM PUBLIC;
GRANT ALL ON FUNCTION public.workspaces() TO postroom_app;

GRANT SELECT ON TABLE public.acceptance TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.alert TO postroom_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.alone TO postroom_app;

GRANT SELECT,INSERT ON TABLE public.audit TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.audit_head TO postroom_app;

GRANT SELECT ON TABLE public.blob TO postroom_app;

GRANT SELECT,INSERT ON TABLE public.classify_event TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.classify_head TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.classify_sender TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.classify_snapshot TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.imap_account TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.imap_folder TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.imap_uid TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.installation TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kept_answer TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.mailbox TO postroom_app;

GRANT SELECT,UPDATE ON TABLE public.message TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.message_words TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.oauth_client TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.oauth_flow TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.oauth_grant TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.oauth_policy TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.oauth_use TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.paused_stage TO postroom_app;

GRANT SELECT ON TABLE public.poll_process TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.post TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.refusal TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.search_due TO postroom_app;

GRANT SELECT,INSERT ON TABLE public.sent_ref TO postroom_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.thread_ref TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.ticket TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.ticket_counter TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.ticket_move TO postroom_app;

GRANT SELECT,INSERT ON TABLE public.ticket_moved TO postroom_app;

GRANT SELECT,INSERT ON TABLE public.ticket_related TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.workspace TO postroom_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.workspace_key TO postroom_app;
