SELECT c.oid, n.nspname AS schema, c.cfgname AS name, pg_get_userbyid(c.cfgowner) AS owner,
       pn.nspname AS parser_schema, p.prsname AS parser,
       (SELECT array_agg(m.line ORDER BY m.token)
        FROM (SELECT min(m.maptokentype) AS token,
                     (SELECT quote_ident(t.alias) FROM ts_token_type(c.cfgparser) t
                      WHERE t.tokid = m.maptokentype) || ' WITH '
                     || string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS line
              FROM pg_ts_config_map m WHERE m.mapcfg = c.oid
              GROUP BY m.maptokentype) m) AS mappings
FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE {own pg_ts_config c} AND {lasting n}
