-- What the relay keeps of a conversation. Nothing here is a key that opens anything, a name, or a member.
-- `number` is the relay's own number of a room: short, so that the indexes of the log stay small.
-- There are no foreign keys: whoever writes a room holds its row, which keeps these tables together, and a check per entry would cost more than it finds.

-- This database, as one life of it.
CREATE TABLE relay (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    incarnation BYTEA NOT NULL CHECK (length(incarnation) = 16) -- random, chosen at first start, replaced on a restore
);

CREATE TABLE rooms (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id BYTEA NOT NULL UNIQUE CHECK (length(room_id) = 16), -- random, chosen by the client
    epoch BIGINT NOT NULL,                                    -- the current one, from 0
    last_handshake_seq BIGINT NOT NULL                        -- what a handshake is compared with; 0 before the first
);

-- The public keys of every epoch of a room: whoever holds the private halves was in the room then.
CREATE TABLE epochs (
    room BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    began_seq BIGINT NOT NULL,                            -- the handshake that began it; 0 for the room's beginning
    access_key BYTEA NOT NULL CHECK (length(access_key) = 32), -- Ed25519 public key: opens the room
    join_key BYTEA NOT NULL CHECK (length(join_key) = 32),     -- Ed25519 public key: permits one handshake through a door
    PRIMARY KEY (room, epoch)
);

-- The log. Rows lie in order of arrival.
CREATE TABLE entries (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room BIGINT NOT NULL,
    seq BIGINT NOT NULL,   -- from 1, without gaps
    kind BIGINT NOT NULL,  -- 1 handshake, 2 message
    epoch BIGINT NOT NULL, -- as in the entry's clear header
    entry_id BYTEA NOT NULL CHECK (length(entry_id) = 16), -- as in the entry's clear header: recognises what is sent twice
    entry BYTEA NOT NULL     -- header and ciphertext, as it came
);
CREATE UNIQUE INDEX entries_by_seq ON entries (room, seq);
CREATE UNIQUE INDEX entries_by_id ON entries (room, entry_id);
CREATE INDEX handshakes_by_seq ON entries (room, seq) WHERE kind = 1;

-- What the doors of the current epoch open.
CREATE TABLE cards (
    room BIGINT PRIMARY KEY,
    card BYTEA NOT NULL -- sealed
);

-- The doors of the current epoch; a door that is not here is closed.
CREATE TABLE doors (
    room BIGINT NOT NULL,
    door_id BYTEA NOT NULL CHECK (length(door_id) = 16), -- unguessable
    wrap BYTEA NOT NULL,                                 -- the card's key, sealed to the holder of the door's secret
    PRIMARY KEY (room, door_id)
);
