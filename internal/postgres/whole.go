package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
)

// guarded are our tables that row-level security keeps, not the copy that somebody
// made of one: of each, who owns it and what of its guard is not there. What is lost here makes a full database look
// empty, and an empty one refuses mail for good.
const guarded = `
	with app as (select oid from pg_roles where rolname = 'postroom_app'),
	guarded as (
		select c.oid, c.relname::text as name, c.relowner as owner, r.rolname::text as owner_name,
			c.relrowsecurity and c.relforcerowsecurity as forced,
			s.oid is not null as scoped, coalesce(s.polroles @> array[app.oid], false) as scoped_to_app,
			has_table_privilege(app.oid, c.oid, 'select') as granted,
			exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'owner_all' and p.polroles = array[c.relowner]) as owned
		from app, pg_class c
		join pg_roles r on r.oid = c.relowner
		left join pg_policy s on s.polrelid = c.oid and s.polname = 'workspace_scope'
		where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
			and (c.relforcerowsecurity or s.oid is not null))`

// faults are what no restore mends by itself, each with the words for it.
var faults = []struct{ where, what string }{
	{"not granted or not scoped",
		"the role postroom_app has not been granted what it needs on: %[2]s. The database was not restored whole: make the role first (create role postroom_app nologin; " +
			"grant postroom_app to %[1]s), restore into an empty database, and heed every error that pg_restore prints"},
	{"not forced",
		"row-level security is off, so workspaces are not apart, on: %[2]s; alter table … enable row level security, force row level security"},
}

const (
	ownersSQL = guarded + `
		select current_user, coalesce(string_agg(distinct owner_name, ', '), '') from guarded where not pg_has_role(current_user, owner, 'member')`
	faultsSQL = guarded + ` select current_user, coalesce(string_agg(name, ', ' order by name), '') from guarded where `
	lostSQL   = guarded + ` select count(*) from guarded where scoped_to_app and not owned`
)

// ensureOwner refuses tables that the one who migrates may not change.
func ensureOwner(ctx context.Context, db *sql.DB) error {
	var who, owners string
	if err := db.QueryRowContext(ctx, ownersSQL).Scan(&who, &owners); err != nil {
		return fmt.Errorf("examine the schema: %w", err)
	}
	if owners != "" {
		return fmt.Errorf("the tables of the database belong to another role (%s) than the one that migrates, %s: restore it with pg_restore --no-owner --role=%[2]s", owners, who)
	}
	return nil
}

// Policies name the role that owned the tables where the dump was made. Under
// another name they are lost in a restore, or meant for somebody else.
const ownSQL = `
	do $$ declare t record; begin
		for t in ` + guarded + ` select * from guarded where scoped_to_app and not owned loop
			begin
				execute format('drop policy if exists owner_all on public.%I', t.name);
				execute format('create policy owner_all on public.%I to %I using (true)', t.name, t.owner_name);
			exception when duplicate_object then null; -- another process was first
			end;
		end loop;
	end $$`

// ensureWhole refuses a database whose guards a restore has lost, and gives the
// owner back the policies that let its functions see all workspaces.
func ensureWhole(ctx context.Context, db *sql.DB) error {
	for _, f := range faults {
		var who, which string
		if err := db.QueryRowContext(ctx, faultsSQL+f.where).Scan(&who, &which); err != nil {
			return fmt.Errorf("examine the schema: %w", err)
		}
		if which != "" {
			return fmt.Errorf("the database cannot be used as it is: "+f.what, who, which)
		}
	}
	var lost int
	if err := db.QueryRowContext(ctx, lostSQL).Scan(&lost); err != nil {
		return fmt.Errorf("examine the schema: %w", err)
	}
	if lost == 0 {
		return nil
	}
	slog.WarnContext(ctx, "the database comes from a server where its owner had another name; its policies are made anew", "tables", lost)
	if _, err := db.ExecContext(ctx, ownSQL); err != nil {
		return fmt.Errorf("make the owner's policies anew: %w", err)
	}
	return nil
}
