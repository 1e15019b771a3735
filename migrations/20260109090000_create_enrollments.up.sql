CREATE TYPE enrollment_status AS ENUM ('active', 'completed', 'cancelled');

CREATE TABLE enrollments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    course_id bigint NOT NULL REFERENCES courses,
    status enrollment_status NOT NULL DEFAULT 'active',
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, course_id)
);
