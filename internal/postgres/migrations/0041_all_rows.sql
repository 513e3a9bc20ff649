-- +goose Up
-- all_rows ends a transaction that has not written every row it was to write. It
-- is for statements that travel with their commit, when it is too late to count
-- afterwards. What was missed may have moved meanwhile: trying again is right.
-- +goose StatementBegin
create function all_rows(written bigint, wanted bigint) returns void
	language plpgsql
as $$ begin
	if written <> wanted then
		raise exception '% of % rows are where they were', written, wanted using errcode = 'serialization_failure';
	end if;
end $$;
-- +goose StatementEnd
revoke all on function all_rows(bigint, bigint) from public;
grant execute on function all_rows(bigint, bigint) to postroom_app;
