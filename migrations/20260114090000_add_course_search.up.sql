-- cargo-db: allow adding-field-with-default a school has few courses, so the rewrite is short
ALTER TABLE courses ADD COLUMN search tsvector
    GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || summary)) STORED;

-- cargo-db: allow require-concurrent-index-creation a school has few courses, so the lock is short
CREATE INDEX courses_search ON courses USING gin (search);
