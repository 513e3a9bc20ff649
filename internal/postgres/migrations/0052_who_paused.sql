-- +goose Up
-- Whoever finds a stage resting wants to know whom to ask.
-- Locks paused_stage for a moment.
alter table paused_stage add actor text not null default '';
