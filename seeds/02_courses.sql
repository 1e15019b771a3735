-- Eight courses by two instructors.
INSERT INTO courses (instructor_id, slug, title, summary, published_at)
SELECT u.id, c.slug, c.title, c.summary, timestamptz '2026-01-15 09:00:00+00'
FROM (
    VALUES
        (1, 'iris@school.example', 'sql-basics', 'SQL basics', 'Tables, rows and how to ask for them'),
        (2, 'iris@school.example', 'data-modelling', 'Data modelling', 'Keys, relations and what belongs where'),
        (3, 'iris@school.example', 'indexes', 'Indexes', 'Why a query is slow, and when an index helps'),
        (4, 'iris@school.example', 'transactions', 'Transactions', 'Isolation, locks and what waits for what'),
        (5, 'ivan@school.example', 'rust-basics', 'Rust basics', 'Ownership, borrowing and traits'),
        (6, 'ivan@school.example', 'error-handling', 'Error handling', 'Errors that help the one who reads them'),
        (7, 'ivan@school.example', 'async-rust', 'Async Rust', 'Futures, tasks and cancellation'),
        (8, 'ivan@school.example', 'testing', 'Testing', 'Tests that fail when they should')
) AS c (position, instructor, slug, title, summary)
JOIN users u ON u.email = c.instructor
ORDER BY c.position;

-- Three sections each.
INSERT INTO course_sections (course_id, position, title)
SELECT c.id, s.position, s.title
FROM courses c
CROSS JOIN (VALUES (1, 'First steps'), (2, 'In depth'), (3, 'In practice')) AS s (position, title)
ORDER BY c.id, s.position;

-- Four lessons in every section.
INSERT INTO lessons (section_id, position, title, body, minutes)
SELECT s.id, l.position, c.title || ': ' || s.title || ', part ' || l.position, 'Read, try, repeat.', 10 + 5 * l.position
FROM course_sections s
JOIN courses c ON c.id = s.course_id
CROSS JOIN generate_series(1, 4) AS l (position)
ORDER BY s.id, l.position;
