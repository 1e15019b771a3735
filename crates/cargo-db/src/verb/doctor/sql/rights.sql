WITH others AS (
    SELECT c.oid::regclass::text AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p')
      AND n.nspname NOT IN ('information_schema', 'cargo_db_approval')
      AND n.nspname !~ '^pg_' AND NOT pg_has_role(c.relowner, 'MEMBER')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
),
found AS (
    SELECT 1 AS rank, format('may not create tables in the schema %s', {schema}::text) AS found
    WHERE NOT coalesce(has_schema_privilege({schema}, 'CREATE'), true)
    UNION ALL
    SELECT 2, 'may not create databases, which rehearsals need'
    FROM pg_roles WHERE rolname = current_user AND NOT (rolcreatedb OR rolsuper) AND {rehearses}
    UNION ALL
    SELECT 3, format('does not own %s tables, such as %s', count(*), min(name))
    FROM others HAVING count(*) > 0
)
SELECT found FROM found ORDER BY rank
