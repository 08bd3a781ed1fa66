-- It begins with the source of an event, which another program may have made as long as it likes.
ALTER TABLE state.decision MODIFY tie_break MEDIUMBLOB NOT NULL;
