-- The catalog rows that were written since a transaction: the key of each row, and the catalog and
-- OID of the object that it belongs to. A line before each statement names the catalog. The number
-- of rows shows whether one was deleted. It is NULL, and a key is `-`, where a row is only deleted
-- together with one of another catalog. `{likely c.oid}` is the condition that a row is about one
-- of the relations that were probably changed, or `true`.

-- pg_class
SELECT count(*) FILTER (WHERE c.relkind NOT IN ('i', 'I', 't')) AS rows,
       array_agg(CASE WHEN c.relkind IN ('i', 'I', 't') THEN '-' ELSE c.oid::text END
           || CASE c.relkind WHEN 'c' THEN ' 1247 ' || c.reltype ELSE ' 1259 ' || c.oid END)
           FILTER (WHERE {new c}) AS written
FROM pg_class c WHERE {likely c.oid} AND c.relpersistence <> 't';

-- pg_index
SELECT count(*) AS rows,
       array_agg(x.indexrelid || ' 1259 ' || x.indrelid) FILTER (WHERE {new x}) AS written
FROM pg_index x;

-- pg_constraint
SELECT count(*) AS rows,
       array_agg(k.oid || CASE k.conrelid WHEN 0 THEN ' 1247 ' || k.contypid
           ELSE ' 1259 ' || k.conrelid END) FILTER (WHERE {new k}) AS written
FROM pg_constraint k WHERE k.conrelid <> 0 OR k.contypid <> 0;

-- pg_trigger
SELECT count(*) AS rows,
       array_agg(t.oid || ' 1259 ' || t.tgrelid) FILTER (WHERE {new t}) AS written
FROM pg_trigger t;

-- pg_rewrite
SELECT count(*) AS rows,
       array_agg(r.oid || ' 1259 ' || r.ev_class) FILTER (WHERE {new r}) AS written
FROM pg_rewrite r;

-- pg_policy
SELECT count(*) AS rows,
       array_agg(p.oid || ' 1259 ' || p.polrelid) FILTER (WHERE {new p}) AS written
FROM pg_policy p;

-- pg_inherits
SELECT count(*) AS rows,
       array_agg(i.inhrelid || '.' || i.inhparent || ' 1259 ' || i.inhrelid)
           FILTER (WHERE {new i}) AS written
FROM pg_inherits i;

-- pg_statistic_ext
SELECT count(*) AS rows,
       array_agg(s.oid || ' 1259 ' || s.stxrelid) FILTER (WHERE {new s}) AS written
FROM pg_statistic_ext s;

-- pg_type
SELECT count(*) FILTER (WHERE t.typtype <> 'c') AS rows,
       array_agg(CASE t.typtype WHEN 'c' THEN '-' ELSE t.oid::text END || ' 1247 ' || t.oid)
           FILTER (WHERE {new t}) AS written
FROM pg_type t WHERE t.typtype IN ('e', 'd', 'r', 'c');

-- pg_proc
SELECT count(*) AS rows,
       array_agg(p.oid || ' 1255 ' || p.oid) FILTER (WHERE {new p}) AS written
FROM pg_proc p;

-- pg_description
SELECT count(*) AS rows,
       array_agg(d.classoid || '.' || d.objoid || '.' || d.objsubid || ' '
           || CASE WHEN d.classoid IN (1247, 1255, 1259) THEN d.classoid ELSE 0 END
           || ' ' || d.objoid) FILTER (WHERE {new d}) AS written
FROM pg_description d;

-- pg_attribute
SELECT NULL AS rows, array_agg('- 1259 ' || a.attrelid) FILTER (WHERE {new a}) AS written
FROM pg_attribute a WHERE {likely a.attrelid};

-- pg_attrdef
SELECT NULL AS rows, array_agg('- 1259 ' || d.adrelid) FILTER (WHERE {new d}) AS written
FROM pg_attrdef d;

-- pg_sequence
SELECT NULL AS rows, array_agg('- 1259 ' || s.seqrelid) FILTER (WHERE {new s}) AS written
FROM pg_sequence s;

-- pg_foreign_table
SELECT NULL AS rows, array_agg('- 1259 ' || f.ftrelid) FILTER (WHERE {new f}) AS written
FROM pg_foreign_table f;

-- pg_partitioned_table
SELECT NULL AS rows, array_agg('- 1259 ' || p.partrelid) FILTER (WHERE {new p}) AS written
FROM pg_partitioned_table p;

-- pg_enum
SELECT NULL AS rows, array_agg('- 1247 ' || e.enumtypid) FILTER (WHERE {new e}) AS written
FROM pg_enum e
