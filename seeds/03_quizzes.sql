-- The last section of every course has a quiz, and the first one of the first four.
INSERT INTO quizzes (section_id, title)
SELECT s.id, 'Quiz: ' || c.title || ', ' || s.title
FROM course_sections s
JOIN courses c ON c.id = s.course_id
WHERE s.position = 3 OR (s.position = 1 AND c.slug IN ('sql-basics', 'data-modelling', 'indexes', 'transactions'))
ORDER BY s.id;

INSERT INTO quiz_questions (quiz_id, position, prompt)
SELECT q.id, n, q.title || ': question ' || n
FROM quizzes q
CROSS JOIN generate_series(1, 10) AS n
ORDER BY q.id, n;

-- Four options; which one is right changes from question to question.
INSERT INTO quiz_options (question_id, position, label, is_correct)
SELECT q.id, n, 'Answer ' || chr(64 + n), n = 1 + q.position % 4
FROM quiz_questions q
CROSS JOIN generate_series(1, 4) AS n
ORDER BY q.id, n;
