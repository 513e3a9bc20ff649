-- +goose Up
-- Whenever a table is analysed or vacuumed, every connection plans anew what it
-- had planned for it. With the defaults (a tenth grown, fifty rows dead) an
-- autovacuum worker did so to each table of a young installation at every nap of
-- five seconds: some ten mails out of a thousand waited 10 to 40 ms for that. What
-- only grows is analysed when it has doubled (refresh_statistics looks after the
-- first rows); what has one row a workspace, or is a queue, needs no statistics; and
-- a few thousand dead rows are worth a vacuum, fifty are not.
-- Locks each table for a moment.
-- +goose StatementBegin
do $$
declare t name;
begin
	foreach t in array array['message', 'blob', 'acceptance', 'ticket', 'ticket_related', 'post', 'thread_ref', 'audit'] loop
		execute format('alter table public.%I set (
			autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 1,
			autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = 10000)', t);
	end loop;
	foreach t in array array['job', 'search_due', 'audit_head', 'ticket_counter'] loop
		execute format('alter table public.%I set (
			autovacuum_analyze_threshold = 1000000, autovacuum_analyze_scale_factor = 1,
			autovacuum_vacuum_threshold = 2000)', t);
	end loop;
end $$;
-- +goose StatementEnd
