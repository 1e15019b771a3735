-- What the objects of these addresses are called.
SELECT w.class, w.oid, i.type AS kind, i.identity
FROM (VALUES {addresses}) AS w (class, oid),
     pg_identify_object(w.class::oid, w.oid::oid, 0) AS i
