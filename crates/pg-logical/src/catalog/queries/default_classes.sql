-- The default operator classes of btree indexes (403 in every database).
SELECT o.oid, o.opcintype AS type FROM pg_opclass o WHERE o.opcdefault AND o.opcmethod = 403
