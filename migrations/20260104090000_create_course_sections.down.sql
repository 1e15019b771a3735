DROP TABLE course_sections;
