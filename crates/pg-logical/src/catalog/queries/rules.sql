SELECT r.oid, r.rulename AS name, r.ev_class AS relation, r.ev_enabled AS firing,
       r.ev_type = '1' AND r.is_instead AND r.rulename = '_RETURN' AS is_view,
       CASE WHEN r.rulename <> '_RETURN' THEN pg_get_ruledef(r.oid) END AS definition
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE r.oid >= 16384 AND {own pg_class c} AND {chosen relations c.oid}
