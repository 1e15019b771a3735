-- The types of columns, with their lengths or precisions. Thousands of columns have few.
SELECT u.type_oid, u.modifier, format_type(u.type_oid, u.modifier) AS type,
       t.typcollation AS collation_oid, t.typstorage AS storage
FROM unnest('{types}'::oid[], '{modifiers}'::int[]) AS u (type_oid, modifier)
JOIN pg_type t ON t.oid = u.type_oid
