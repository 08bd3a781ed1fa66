-- People decide about dead letters one by one.
ALTER TABLE dead_letter ADD COLUMN cause TEXT NOT NULL DEFAULT 'bad-event';
ALTER TABLE dead_letter ADD COLUMN status TEXT NOT NULL DEFAULT 'waiting';
ALTER TABLE dead_letter ADD COLUMN settled_ms INTEGER;
CREATE INDEX dead_letter_by_status ON dead_letter (projection, status, id);
