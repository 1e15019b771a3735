DROP VIEW course_overview;
