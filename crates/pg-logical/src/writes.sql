-- The rows that were written to each catalog so far: those that are counted for all sessions, and
-- those of this session that are not yet. A transaction without a number has written nothing. To a
-- catalog that this version of the server does not have, no rows are written.
SELECT array_agg(coalesce(pg_stat_get_tuples_inserted(c.oid)
                          + pg_stat_get_xact_tuples_inserted(c.oid), 0)
                 ORDER BY n.place) AS inserted,
       array_agg(coalesce(pg_stat_get_tuples_updated(c.oid)
                          + pg_stat_get_xact_tuples_updated(c.oid), 0)
                 ORDER BY n.place) AS updated,
       array_agg(coalesce(pg_stat_get_tuples_deleted(c.oid)
                          + pg_stat_get_xact_tuples_deleted(c.oid), 0)
                 ORDER BY n.place) AS deleted,
       pg_current_xact_id_if_assigned() AS own, pg_xact_status({own}) AS status,
       mod(pg_snapshot_xmin(pg_current_snapshot())::text::numeric, 4294967296) AS oldest,
       mod(pg_snapshot_xmax(pg_current_snapshot())::text::numeric, 4294967296) AS next,
       current_setting('track_counts') = 'on'
           AND current_setting('server_version_num')::int4 >= 150000 AS is_exact
FROM unnest({catalogs}) WITH ORDINALITY AS n (name, place), to_regclass(n.name) AS c (oid)
