ALTER TABLE courses DROP COLUMN search;
