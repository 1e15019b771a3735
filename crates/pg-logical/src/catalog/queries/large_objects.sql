SELECT l.oid, pg_get_userbyid(l.lomowner) AS owner FROM pg_largeobject_metadata l ORDER BY l.oid
