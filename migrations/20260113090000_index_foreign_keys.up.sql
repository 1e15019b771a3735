-- no-transaction
-- Built concurrently, so that nobody has to wait: each statement commits by itself.
CREATE INDEX CONCURRENTLY IF NOT EXISTS courses_instructor ON courses (instructor_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS enrollments_course ON enrollments (course_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS user_progress_lesson ON user_progress (lesson_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS quiz_attempts_user ON quiz_attempts (user_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS quiz_attempts_quiz ON quiz_attempts (quiz_id);
