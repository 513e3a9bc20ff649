-- +goose Up
-- Every table that the application reaches by workspace is the owner's to see whole,
-- this one like the others: so a restore that lost such a policy can be told.
-- Locks kept_answer for a moment.
create policy owner_all on kept_answer to current_user using (true);
