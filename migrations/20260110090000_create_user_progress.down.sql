DROP TABLE user_progress;
