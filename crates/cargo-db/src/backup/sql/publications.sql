-- The publications that name what is replaced, with the statements that remove it from them and add
-- it again; then all publications, and what of the part exists now. A publication of all tables
-- names none of them. Before 15, neither columns, rows nor schemas can be chosen.
WITH inside AS (SELECT c.oid, c.relnamespace, c.relname FROM pg_class c WHERE {relations})
SELECT p.pubname AS publication, n.nspname || '.' || i.relname AS published,
       format('ALTER PUBLICATION %I DROP TABLE ONLY %I.%I', p.pubname, n.nspname, i.relname) AS off,
       format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I', p.pubname, n.nspname, i.relname)
           || coalesce((SELECT ' (' || string_agg(quote_ident(a.attname), ', '          --from 15
                                                  ORDER BY a.attnum) || ')'             --from 15
                        FROM pg_attribute a                                             --from 15
                        WHERE a.attrelid = i.oid                                        --from 15
                            AND a.attnum = ANY (r.prattrs::int2[])), '')                --from 15
           || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '')       --from 15
           AS "on",
       pg_has_role(p.pubowner, 'USAGE') AS is_owned
FROM pg_publication_rel r
JOIN pg_publication p ON p.oid = r.prpubid
JOIN inside i ON i.oid = r.prrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
UNION ALL                                                                               --from 15
SELECT p.pubname, n.nspname,                                                            --from 15
       format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I', p.pubname, n.nspname),   --from 15
       format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %I', p.pubname, n.nspname),    --from 15
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)                     --from 15
FROM pg_publication_namespace s                                                         --from 15
JOIN pg_publication p ON p.oid = s.pnpubid                                              --from 15
JOIN pg_namespace n ON n.oid = s.pnnspid                                                --from 15
WHERE n.nspname = {schema}                                                              --from 15
ORDER BY 1, 2;

SELECT pubname AS name, puballtables AS is_of_all, pg_has_role(pubowner, 'USAGE') AS is_owned,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser
FROM pg_publication;

SELECT n.nspname || '.' || c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {relations}
UNION ALL
SELECT nspname FROM pg_namespace WHERE nspname = {schema}
