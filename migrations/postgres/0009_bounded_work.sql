-- What nobody who has proven nothing may make long, or be told.

-- SHA-256 of every handshake and rewind: they are megabytes, and are not read again to be compared. (Beside its bytes a hash would be
-- found only by going through them.)
CREATE TABLE handshake_hashes (
    room BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (room, seq)
);
INSERT INTO handshake_hashes (room, seq, hash) SELECT room, seq, sha256(entry) FROM entries WHERE kind <> 2;

-- Epochs that were voided may be many; what is asked for them or beside them is found without going through them.
DROP INDEX cuts;
DROP INDEX unconfirmed_joins;
CREATE UNIQUE INDEX epochs_by_number ON epochs (room, voided_seq, epoch);
CREATE INDEX epochs_by_end ON epochs (room, voided_seq, began_seq);
CREATE INDEX cuts ON epochs (room, is_cut, voided_seq, began_seq);
CREATE INDEX unconfirmed_joins ON epochs (room, is_confirmed, voided_seq, began_seq);

-- Rows that nothing leads to any more, and that are not all gone yet: they go in pieces. What was kept to read epochs that were
-- voided; and where the room is gone, everything.
CREATE TABLE leftovers (
    room BIGINT NOT NULL,      -- the relay's number of it
    from_seq BIGINT NOT NULL,  -- of epochs that began here or later,
    up_to_seq BIGINT NOT NULL, -- and not after this
    PRIMARY KEY (room, from_seq)
);

-- Doors have a key of their own, by which whoever holds their secret shows that. Doors of before have none: they are closed until the
-- next handshake, which lists them anew.
DROP TABLE doors;
CREATE TABLE doors (
    room BIGINT NOT NULL,
    door_id BYTEA NOT NULL CHECK (length(door_id) = 16), -- unguessable
    door_key BYTEA NOT NULL CHECK (length(door_key) = 32), -- Ed25519 public key: permits to look behind it
    wrap BYTEA NOT NULL,                                 -- the card's key, sealed to the holder of the door's secret
    expires_at_ms BIGINT,                              -- when it closes, in milliseconds since 1970
    PRIMARY KEY (room, door_id)
);
CREATE INDEX doors_by_expiry ON doors (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- The same of accounts that were deleted: what is left of their vaults and inboxes.
CREATE TABLE account_leftovers (
    account BIGINT PRIMARY KEY -- the relay's number of it
);

-- What time ends is found without going through what it does not.
CREATE INDEX sessions_by_use ON sessions (used_day);
CREATE INDEX sessions_by_push_end ON sessions (push_until_day) WHERE push_until_day IS NOT NULL;
CREATE INDEX resting_names_by_end ON resting_names (until_day);
CREATE INDEX spent_by_day ON spent (day);
CREATE INDEX pairings_by_day ON pairings (day);
CREATE INDEX inbox_by_day ON inbox (arrived_day);
CREATE INDEX spent_room_tokens_by_period ON spent_room_tokens (period);
