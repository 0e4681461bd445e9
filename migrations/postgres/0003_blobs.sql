-- Sealed files. No room, no account, no address; days are counted since 1970.
-- `number` is the relay's own number of a blob. Ids and tokens are their uploader's, and stand here hashed.

CREATE TABLE blobs (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id_hash BYTEA NOT NULL UNIQUE CHECK (length(id_hash) = 32),   -- SHA-256 of the id
    token_hash BYTEA NOT NULL CHECK (length(token_hash) = 32),    -- SHA-256 of the token that permits to append and to delete
    length_bytes BIGINT NOT NULL CHECK (length_bytes > 0),      -- as said at creation
    offset_bytes BIGINT NOT NULL CHECK (offset_bytes <= length_bytes), -- how much is there; whole when it is the length
    keep_days BIGINT NOT NULL,                                  -- how long it is kept once it is whole; 0 for no end
    until_day BIGINT NOT NULL                                   -- gone after that day; 0 for no end. Unfinished: a day after the last segment
);
CREATE INDEX blobs_by_day ON blobs (until_day) WHERE until_day > 0;

-- What a blob consists of: files or objects under random names.
CREATE TABLE blob_pieces (
    blob BIGINT NOT NULL,
    start_byte BIGINT NOT NULL,                            -- where in the blob it begins
    length_bytes BIGINT NOT NULL,
    name BYTEA NOT NULL UNIQUE CHECK (length(name) = 16),    -- random: of the file or object
    PRIMARY KEY (blob, start_byte)
);

-- How much is promised, and which place for files belongs to this database.
CREATE TABLE blob_usage (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    place BYTEA NOT NULL CHECK (length(place) = 16), -- random: also in the place itself
    used_bytes BIGINT NOT NULL CHECK (used_bytes >= 0) -- all blobs together, unfinished ones as if they were whole
);
