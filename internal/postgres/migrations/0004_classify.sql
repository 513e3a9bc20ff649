-- +goose Up
-- The filter's training journal, its head per workspace, and snapshots of the models it makes.
-- Locks nothing: all tables are new.

-- One row per workspace. Whoever appends to the journal locks it first, so that numbers have no gaps and are given in
-- the order of commits: who has seen number n has seen all before it.
create table classify_head (
	workspace_id uuid primary key references workspace on delete cascade,
	seq          bigint not null default 0,
	ham_below    double precision not null default 0.10, -- a probability of spam below this is ham
	spam_from    double precision not null default 0.95, -- from here on it is spam; between the two it is unsure
	constraint classify_head_band check (0 <= ham_below and ham_below <= spam_from and spam_from <= 1)
);

-- The training journal, never changed: who said what of which message. A judgement stands until a later one replaces it.
create table classify_event (
	workspace_id uuid not null references workspace on delete cascade,
	seq          bigint not null check (seq > 0),
	message_id   uuid not null, -- no foreign key: mail from files trains too, and the journal outlives messages
	verdict      text not null check (verdict in ('ham', 'spam', 'forget')),
	replaces     bigint, -- the judgement of the same message that stood until now
	actor        text not null,
	source       text not null check (source in ('agent', 'admin', 'import', 'auto')),
	features     bytea not null, -- keyed hashes, empty for 'forget'
	at           timestamptz not null default now(),
	primary key (workspace_id, seq),
	constraint classify_event_replaces_key unique (workspace_id, replaces),
	constraint classify_event_replaces_fkey foreign key (workspace_id, replaces) references classify_event (workspace_id, seq),
	check (replaces < seq),
	check (verdict <> 'forget' or replaces is not null)
);

create index classify_event_message on classify_event (workspace_id, message_id, seq desc);

-- Models as they were at one place of the journal. A snapshot is a start for a newer model only while no later judgement
-- replaces one that is in it; as the model of its own place it stays true for ever.
create table classify_snapshot (
	workspace_id uuid not null references workspace on delete cascade,
	seq          bigint not null,
	version      int not null,    -- of the model's form; other versions are passed over
	model        bytea not null,
	sha256       bytea not null check (length(sha256) = 32),
	created_at   timestamptz not null default now(),
	primary key (workspace_id, seq, version)
);

alter table classify_snapshot alter column model set storage external; -- compressed already

alter table classify_head     enable row level security;
alter table classify_head     force  row level security;
alter table classify_event    enable row level security;
alter table classify_event    force  row level security;
alter table classify_snapshot enable row level security;
alter table classify_snapshot force  row level security;

create policy workspace_scope on classify_head     using (workspace_id = current_workspace()) with check (workspace_id = current_workspace());
create policy workspace_scope on classify_event    using (workspace_id = current_workspace()) with check (workspace_id = current_workspace());
create policy workspace_scope on classify_snapshot using (workspace_id = current_workspace()) with check (workspace_id = current_workspace());

grant select, insert, update, delete on classify_head, classify_snapshot to postroom_app;
grant select, insert on classify_event to postroom_app;
