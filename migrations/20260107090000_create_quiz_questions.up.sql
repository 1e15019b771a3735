CREATE TABLE quiz_questions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quiz_id bigint NOT NULL REFERENCES quizzes ON DELETE CASCADE,
    position integer NOT NULL CHECK (position > 0),
    prompt text NOT NULL,
    UNIQUE (quiz_id, position)
);
