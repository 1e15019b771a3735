CREATE TABLE quiz_options (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    question_id bigint NOT NULL REFERENCES quiz_questions ON DELETE CASCADE,
    position integer NOT NULL CHECK (position > 0),
    label text NOT NULL,
    is_correct boolean NOT NULL DEFAULT false,
    UNIQUE (question_id, position)
);

-- A question has one right answer.
CREATE UNIQUE INDEX quiz_options_one_correct ON quiz_options (question_id) WHERE is_correct;
