-- How many changes of books the log lacked when both were last compared.
CREATE TABLE lost_changes (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
INSERT INTO lost_changes VALUES (1, 0);
