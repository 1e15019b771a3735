-- Foreign keys that are marked as valid, with the conditions to verify them: that a row refers to
-- anything, and to which row. The operators are those of the constraint.
SELECT pg_catalog.format('%I.%I.%I', cn.nspname, c.relname, k.conname) AS name,
       CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END
       || pg_catalog.format('%I.%I', cn.nspname, c.relname) AS child,
       CASE p.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END
       || pg_catalog.format('%I.%I', pn.nspname, p.relname) AS parent,
       pg_catalog.string_agg(pg_catalog.format('f.%I IS NOT NULL', ca.attname),
                             CASE k.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END) AS filled,
       pg_catalog.string_agg(
           pg_catalog.format('p.%I OPERATOR(%I.%s) f.%I', pa.attname, opn.nspname, op.oprname,
                             ca.attname), ' AND ') AS same,
       pg_catalog.has_schema_privilege(cn.oid, 'USAGE')
       AND pg_catalog.has_schema_privilege(pn.oid, 'USAGE')
       AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
       AND pg_catalog.has_table_privilege(p.oid, 'SELECT')
       AND NOT pg_catalog.row_security_active(c.oid)
       AND NOT pg_catalog.row_security_active(p.oid) AS countable
FROM pg_catalog.pg_constraint k
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey),
                              pg_catalog.unnest(k.conpfeqop)) AS part (child, parent, operator)
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_attribute ca ON ca.attrelid = c.oid AND ca.attnum = part.child
JOIN pg_catalog.pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = part.parent
JOIN pg_catalog.pg_operator op ON op.oid = part.operator
JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
WHERE k.contype = 'f' AND k.convalidated AND k.conparentid = 0
  AND coalesce(pg_catalog.to_jsonb(k) ->> 'conperiod', 'false') = 'false'
  AND {of_tables}
GROUP BY k.oid, k.conname, k.confmatchtype, c.oid, c.relname, c.relkind, cn.oid, cn.nspname,
         p.oid, p.relname, p.relkind, pn.oid, pn.nspname
ORDER BY 1
