SELECT format('%s was made with version %s, and the server has %s', what, made,
              coalesce(actual, 'none')) AS found
FROM (
    {of_database}
    SELECT format('the collation %I', collname), collversion, pg_collation_actual_version(oid)
    FROM pg_collation WHERE collversion IS NOT NULL
) AS compared(what, made, actual)
WHERE made IS DISTINCT FROM actual
ORDER BY 1
