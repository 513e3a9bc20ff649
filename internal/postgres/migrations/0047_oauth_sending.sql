-- +goose Up
-- A consent may be asked for that includes sending.
-- Locks oauth_flow for a moment: the default is kept in the catalogue.
alter table oauth_flow add column send boolean not null default false;
