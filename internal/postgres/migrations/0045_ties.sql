-- +goose Up
-- Who is known to a workspace: people whom it has written to, and senders by the mail they sent before.
-- Locks post while its index is built.

-- What our own people sent: a ref (the first half of a SHA-256) of each Message-ID, as in thread_ref, and of each person
-- it was sent to.
create table sent_ref (
	workspace_id uuid not null,
	ref          bytea not null check (length(ref) = 16),
	message_id   uuid not null, -- the first such mail
	primary key (workspace_id, ref)
);
alter table sent_ref alter workspace_id set statistics 0, alter ref set statistics 0;

-- A machine's answers make nobody known. What was sent and is on no ticket cannot be told from its row: it is not here.
insert into sent_ref (workspace_id, ref, message_id)
select distinct on (s.workspace_id, s.ref) s.* from (
	select p.workspace_id, p.ref, p.message_id from post p where p.ours and p.automatic = '' and p.ref is not null
	union all
	select p.workspace_id, substring(sha256('to'::bytea || '\x00'::bytea || convert_to(o, 'UTF8')) for 16), p.message_id
	from post p, unnest(p.others) o where p.ours and p.automatic = '') s
order by s.workspace_id, s.ref, s.message_id;

-- The mail of one sender, the newest first. What is longer than any address is nobody's, and no index takes it.
update post set author_email = '' where octet_length(author_email) > 254;
create index post_author_idx on post (author_email, workspace_id, message_id);

alter table sent_ref enable row level security;
alter table sent_ref force  row level security;
create policy workspace_scope on sent_ref to postroom_app using (workspace_id = current_workspace());
create policy owner_all on sent_ref to current_user using (true);
grant select, insert on sent_ref to postroom_app;
