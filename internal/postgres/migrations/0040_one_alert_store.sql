-- +goose Up
-- One store for all alerts: the filter raises its own in the table alert too. Its old ones are not carried over: no release
-- has had them, and what still holds is raised again.
-- Locks alert and classify_alert for a moment; both are small.
drop table classify_alert;

alter table alert
	add column count           int not null default 1 check (count > 0), -- how often it was raised while it stood
	add column acknowledged_at timestamptz, -- when somebody said that they had seen it
	add column acknowledged_by text,
	add column resolved_by     text; -- null when it went by itself
