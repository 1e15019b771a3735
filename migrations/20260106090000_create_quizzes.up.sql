CREATE TABLE quizzes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    section_id bigint NOT NULL UNIQUE REFERENCES course_sections ON DELETE CASCADE,
    title text NOT NULL,
    pass_percent integer NOT NULL DEFAULT 70 CHECK (pass_percent BETWEEN 1 AND 100)
);
