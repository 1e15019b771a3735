-- What the text of a value depends on; the rest is set by whoever opened the session.
SELECT set_config(name, value, false)
FROM (VALUES ('DateStyle', 'ISO, DMY'), ('IntervalStyle', 'postgres'), ('extra_float_digits', '3'),
             ('bytea_output', 'hex'), ('synchronize_seqscans', 'off'),
             ('quote_all_identifiers', 'off'), ('xmlbinary', 'base64'),
             -- CVE-2024-7348: what is a view by the time it is read runs no functions.
             ('restrict_nonsystem_relation_kind', 'view, foreign-table')) AS wanted (name, value)
WHERE name IN (SELECT lower(s.name) FROM pg_settings s)
   OR name IN (SELECT s.name FROM pg_settings s)
