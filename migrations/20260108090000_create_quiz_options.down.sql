DROP TABLE quiz_options;
