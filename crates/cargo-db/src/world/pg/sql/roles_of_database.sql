-- Roles that own something in the database, have privileges in it, or own the database. The server
-- records no owner for objects of the role that it was created with.
r.oid = 10 OR EXISTS (
    SELECT FROM pg_shdepend s JOIN pg_database d ON d.datname = current_database()
    WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
      AND (s.dbid = d.oid
           OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid))
