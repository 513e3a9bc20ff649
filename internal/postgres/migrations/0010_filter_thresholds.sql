-- +goose Up
-- The filter's probabilities are better calibrated, so its thresholds move (docs/filter.md says how they were chosen): spam from
-- 0.98, ham below 0.20. Workspaces that still have the old defaults follow.
-- Locks classify_head, one row per workspace, for a moment.
alter table classify_head alter column ham_below set default 0.20;
alter table classify_head alter column spam_from set default 0.98;
update classify_head set ham_below = 0.20, spam_from = 0.98 where ham_below = 0.10 and spam_from = 0.95;
