CREATE TABLE lessons (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    section_id bigint NOT NULL REFERENCES course_sections ON DELETE CASCADE,
    position integer NOT NULL CHECK (position > 0),
    title text NOT NULL,
    body text NOT NULL DEFAULT '',
    minutes integer NOT NULL CHECK (minutes BETWEEN 1 AND 240),
    UNIQUE (section_id, position)
);
