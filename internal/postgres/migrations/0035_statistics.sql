-- +goose Up
-- Analysing tables that grow fast took 50 µs of each mail and kept others waiting
-- for up to 110 ms. No statement of the pipeline depends on statistics, and those of
-- the pages on few columns: wide columns that nobody searches have none, and a
-- smaller sample does.
-- Locks the tables for a moment.
alter table message
	alter source_key set statistics 0, alter envelope set statistics 0, alter raw_hash set statistics 0, alter content_hash set statistics 0,
	alter trail set statistics 0, alter subject set statistics 0, alter from_name set statistics 0, alter message_id set statistics 0,
	alter reason set statistics 0;
alter table blob   alter sealed set statistics 0, alter hash set statistics 0;
alter table ticket alter subject set statistics 0, alter requester_name set statistics 0;
alter table post   alter author_name set statistics 0, alter others set statistics 0;
alter table audit  alter detail set statistics 0, alter hash set statistics 0, alter target set statistics 0;
alter table thread_ref alter ref set statistics 0;
-- The table of words is autovacuum's.
-- +goose StatementBegin
create or replace function refresh_statistics() returns int
	language plpgsql security definer set search_path = pg_catalog, public, pg_temp
	set default_statistics_target = 5 -- a sample of 1,500 rows tells enough
as $$
declare
	t  name;
	n  int := 0;
begin
	for t in
		select s.relname from pg_stat_user_tables s join pg_class c on c.oid = s.relid
		where s.schemaname = 'public'
			and s.relname in ('message', 'blob', 'acceptance', 'ticket', 'post', 'thread_ref', 'audit', 'search_due', 'job')
			and s.n_live_tup > 500 + 2 * greatest(c.reltuples, 0)
	loop
		execute format('analyze public.%I', t);
		n := n + 1;
	end loop;
	return n;
end $$;
-- +goose StatementEnd
