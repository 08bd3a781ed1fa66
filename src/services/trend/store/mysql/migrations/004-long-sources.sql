-- `tie_break` begins with the source of an event. Other programs may write sources of any length.
ALTER TABLE state.decision MODIFY tie_break MEDIUMBLOB NOT NULL;
