-- What the operator says with `sotto-relay admin`, for running relays to notice.
CREATE TABLE administration (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    changes INTEGER NOT NULL,   -- rises when the operator deletes a room or sets a quota: what a relay remembers is then looked up again
    max_database_bytes INTEGER, -- these stand before the settings; nothing: as the settings have it
    vault_max_records INTEGER,
    vault_max_bytes INTEGER,
    inbox_max_letters INTEGER
) STRICT;
INSERT INTO administration (only_one, changes) VALUES (1, 0);
