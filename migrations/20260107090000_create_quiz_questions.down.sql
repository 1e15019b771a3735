DROP TABLE quiz_questions;
