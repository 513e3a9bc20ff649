-- +goose Up
-- What a person of the workspace has to mend before mail flows again.
-- Locks nothing: the table is new.

create table alert (
	workspace_id uuid not null references workspace on delete cascade,
	id           uuid not null,
	kind         text not null, -- one word of a fixed list (internal/alert)
	target       text not null, -- "mailbox:<id>", …
	what         text not null, -- what happened, for people
	advice       text not null, -- what to do next
	raised_at    timestamptz not null default now(),
	seen_at      timestamptz not null default now(), -- when it was last found to be so
	resolved_at  timestamptz,
	primary key (workspace_id, id)
);
-- One open alert of a kind for a thing: raising it again says that it goes on.
create unique index alert_open_idx on alert (target, kind, workspace_id) where resolved_at is null;

alter table alert alter workspace_id set statistics 0;
alter table alert enable row level security;
alter table alert force  row level security;
create policy workspace_scope on alert to postroom_app using (workspace_id = current_workspace());
create policy owner_all on alert to current_user using (true);
grant select, insert, update on alert to postroom_app;
