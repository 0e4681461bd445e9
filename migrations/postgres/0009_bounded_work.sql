-- What nobody who has proven nothing may make long.

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
CREATE INDEX cuts ON epochs (room, began_seq) WHERE is_cut = 1 AND voided_seq = 0;
CREATE INDEX unconfirmed_joins ON epochs (room, began_seq) WHERE is_confirmed = 0 AND voided_seq = 0;
CREATE UNIQUE INDEX good_epochs ON epochs (room, epoch) WHERE voided_seq = 0;
CREATE INDEX good_epochs_by_start ON epochs (room, began_seq) WHERE voided_seq = 0;
CREATE INDEX voided_epochs ON epochs (room, voided_seq, began_seq) WHERE voided_seq > 0;

-- Rows that nothing leads to any more, and that are not all gone yet: they go in pieces. What was kept to read epochs that were
-- voided; and where the room is gone, everything.
CREATE TABLE leftovers (
    room BIGINT NOT NULL,      -- the relay's number of it
    from_seq BIGINT NOT NULL,  -- of epochs that began here or later,
    up_to_seq BIGINT NOT NULL, -- and not after this
    PRIMARY KEY (room, from_seq)
);
