CREATE VIEW course_overview AS
SELECT
    c.id,
    c.title,
    u.name AS instructor,
    count(DISTINCT l.id) AS lessons,
    count(DISTINCT e.user_id) AS students
FROM courses c
JOIN users u ON u.id = c.instructor_id
LEFT JOIN course_sections s ON s.course_id = c.id
LEFT JOIN lessons l ON l.section_id = s.id
LEFT JOIN enrollments e ON e.course_id = c.id AND e.status <> 'cancelled'
GROUP BY c.id, u.name;
