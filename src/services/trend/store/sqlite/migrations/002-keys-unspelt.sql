-- Earlier versions also stored rows for the spelling that equals the key.
DELETE FROM spelling WHERE label = (SELECT key FROM query WHERE id = spelling.query);
