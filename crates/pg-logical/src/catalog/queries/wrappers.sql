SELECT f.oid, f.fdwname AS name, pg_get_userbyid(f.fdwowner) AS owner, f.fdwoptions AS options,
       CASE WHEN f.fdwhandler <> 0 THEN f.fdwhandler::regproc::text END AS handler,
       CASE WHEN f.fdwvalidator <> 0 THEN f.fdwvalidator::regproc::text END AS validator
FROM pg_foreign_data_wrapper f WHERE {own pg_foreign_data_wrapper f}
