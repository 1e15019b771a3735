-- Everybody but the admin learns: both students take five courses, the instructors what they do not teach, in part.
INSERT INTO enrollments (user_id, course_id, status)
SELECT u.id, c.id, 'active'
FROM (
    VALUES
        ('sara@school.example', ARRAY['sql-basics', 'data-modelling', 'indexes', 'rust-basics', 'testing']),
        ('sven@school.example', ARRAY['sql-basics', 'transactions', 'rust-basics', 'error-handling', 'async-rust']),
        ('iris@school.example', ARRAY['rust-basics', 'testing', 'async-rust']),
        ('ivan@school.example', ARRAY['sql-basics', 'indexes'])
) AS e (email, slugs)
JOIN users u ON u.email = e.email
JOIN courses c ON c.slug = ANY (e.slugs)
ORDER BY u.id, c.id;

-- The first three lessons of each course that somebody takes.
INSERT INTO user_progress (user_id, lesson_id, percent)
SELECT e.user_id, l.id, CASE l.position WHEN 1 THEN 100 WHEN 2 THEN 60 ELSE 10 END
FROM enrollments e
JOIN course_sections s ON s.course_id = e.course_id AND s.position = 1
JOIN lessons l ON l.section_id = s.id AND l.position <= 3
ORDER BY e.user_id, l.id;
