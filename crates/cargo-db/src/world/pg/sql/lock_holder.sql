-- The holder of an advisory lock. In pg_locks, a bigint key is split into two halves, with objsubid
-- 1.
SELECT a.usename AS role, a.pid,
       coalesce(nullif(a.application_name, ''), 'a program without a name') AS program,
       coalesce(host(a.client_addr), 'this machine') AS machine,
       to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid::bigint = ({key}::bigint >> 32) & 4294967295
  AND l.objid::bigint = {key}::bigint & 4294967295
