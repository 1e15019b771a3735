SELECT d.classoid AS class, d.objoid AS oid, d.objsubid AS part, d.description AS comment
FROM pg_description d
WHERE d.objoid >= 16384 OR d.classoid = 'pg_largeobject'::regclass
   OR d.classoid = 'pg_namespace'::regclass
      AND d.objoid = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'public')
