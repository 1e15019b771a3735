SELECT p.oid, p.pubname AS name, pg_get_userbyid(p.pubowner) AS owner, p.puballtables AS is_of_all,
       array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END,
                          CASE WHEN p.pubupdate THEN 'update' END,
                          CASE WHEN p.pubdelete THEN 'delete' END,
                          CASE WHEN p.pubtruncate THEN 'truncate' END], NULL) AS operations,
       p.pubgencols = 's' AS has_generated, --from 18
       false AS has_generated,  --until 17
       p.pubviaroot AS is_via_root,
       (SELECT array_agg(quote_ident(n.nspname) ORDER BY n.nspname)  --from 15
        FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid  --from 15
        WHERE s.pnpubid = p.oid) AS schemas  --from 15
       NULL AS schemas  --until 14
FROM pg_publication p WHERE {own pg_publication p}
