-- The columns of tables that an INSERT can give values to.
SELECT a.attrelid AS relation, quote_ident(a.attname) AS name, a.atttypid AS type_oid,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull OR t.typnotnull AS not_null,
       a.atthasdef AS has_default,
       a.attidentity <> '' OR coalesce(strpos(pg_get_expr(d.adbin, d.adrelid), 'nextval('), 0) > 0
           AS counts
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = ''
ORDER BY a.attrelid, a.attnum
