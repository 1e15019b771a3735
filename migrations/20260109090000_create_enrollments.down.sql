DROP TABLE enrollments;
DROP TYPE enrollment_status;
