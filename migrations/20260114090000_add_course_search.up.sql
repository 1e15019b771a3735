ALTER TABLE courses ADD COLUMN search tsvector
    GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || summary)) STORED;

CREATE INDEX courses_search ON courses USING gin (search);
