-- The snapshots of a database. Any role that may create databases could make one that looks like a
-- snapshot, so only those of this role and of the owner of the database count.
SELECT d.datname, d.oid, c.comment
FROM pg_database d
LEFT JOIN pg_database s ON s.datname = {database},
     shobj_description(d.oid, 'pg_database') AS c (comment)
WHERE starts_with(d.datname, {prefix}) AND starts_with(c.comment, {mark})
  AND (d.datdba = s.datdba OR pg_get_userbyid(d.datdba) = current_user)
