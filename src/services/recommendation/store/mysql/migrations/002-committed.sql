-- `committed`: when something was last committed, to the hour; 0 as long as that is unknown.
INSERT IGNORE INTO state.turn VALUES ('committed', 0);
