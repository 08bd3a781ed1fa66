-- Which version of the rule the title keys follow, and up to which book they have been brought to the next one.

CREATE TABLE title_keys (
  id INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  next_id INTEGER NOT NULL
);
INSERT INTO title_keys VALUES (1, 1, 1);

-- As in MySQL: always one row.

DROP TABLE relay_lease;
CREATE TABLE relay_lease (
  id INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  until_ms INTEGER NOT NULL
);
INSERT INTO relay_lease VALUES (1, '', 0);

-- Other titles as a JSON list; which source gave which fields, as JSON.

ALTER TABLE book ADD COLUMN other_titles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE book ADD COLUMN givers TEXT;
