-- How many changes of books were once in the log and are no more, when that was last noticed.
CREATE TABLE lost_changes (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
INSERT INTO lost_changes VALUES (1, 0);
