-- How often each catalog was written so far, and by which transactions it can have been written
-- without this one's knowledge. The numbers of an aborted transaction count too.
SELECT array_agg(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
                 + pg_stat_get_tuples_deleted(c.oid) + pg_stat_get_xact_tuples_inserted(c.oid)
                 + pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid)
                 ORDER BY c.place) AS writes,
       (SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
        AND deptype = 'e') AS members,
       pg_current_xact_id_if_assigned() AS own, pg_xact_status({own}) AS status,
       mod(pg_snapshot_xmin(pg_current_snapshot())::text::numeric, 4294967296) AS oldest,
       current_setting('track_counts') = 'on' AS is_counted
FROM unnest({catalogs}) WITH ORDINALITY AS c (oid, place)
