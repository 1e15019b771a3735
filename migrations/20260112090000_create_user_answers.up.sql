CREATE TABLE user_answers (
    attempt_id bigint NOT NULL REFERENCES quiz_attempts ON DELETE CASCADE,
    question_id bigint NOT NULL REFERENCES quiz_questions,
    option_id bigint NOT NULL REFERENCES quiz_options,
    answered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (attempt_id, question_id)
);
