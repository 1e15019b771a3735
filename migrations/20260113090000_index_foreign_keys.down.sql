-- no-transaction
DROP INDEX CONCURRENTLY IF EXISTS quiz_attempts_quiz;
DROP INDEX CONCURRENTLY IF EXISTS quiz_attempts_user;
DROP INDEX CONCURRENTLY IF EXISTS user_progress_lesson;
DROP INDEX CONCURRENTLY IF EXISTS enrollments_course;
DROP INDEX CONCURRENTLY IF EXISTS courses_instructor;
