-- +goose Up
-- The words index collects new entries, and whichever insert reaches the limit
-- merges them all: 190 ms at the default of 4 MB, in which every commit beside it
-- waits for its log. An autovacuum worker merges them too, when it analyses the
-- table, and pauses on the way; so let it, often, and make the limit one that only
-- an import reaches. What is not merged yet is found all the same.
-- Locks the table and the index for a moment.
alter index message_words_idx set (gin_pending_list_limit = 32768);
alter table message_words set (
	autovacuum_analyze_threshold = 200, autovacuum_analyze_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 5, autovacuum_vacuum_cost_limit = 100);
alter table message_words alter words set statistics 0, alter message_id set statistics 0; -- analysing is not the point
