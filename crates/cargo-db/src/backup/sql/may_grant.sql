-- Whether the connecting role may grant another one, and has its rights. There is nothing to say of
-- one that is not there; of one that may not create roles, that is the reason.
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
