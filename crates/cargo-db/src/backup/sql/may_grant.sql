-- Whether the connecting role may grant another role, and has its rights. Both are true if the
-- other role does not exist, and `may` is true if the connecting role may not create roles: the
-- preflight reports these cases itself.
SELECT NOT EXISTS (
    SELECT FROM pg_roles r, pg_roles me
    WHERE me.rolname = current_user AND r.rolname = {role} AND me.rolcreaterole AND NOT me.rolsuper
      AND (r.rolsuper
           OR current_setting('server_version_num')::int >= 160000
              AND NOT pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION'))
) AS may,
NOT EXISTS (
    SELECT FROM pg_roles r WHERE r.rolname = {role} AND NOT pg_has_role(r.oid, 'USAGE')
) AS has_its_rights
