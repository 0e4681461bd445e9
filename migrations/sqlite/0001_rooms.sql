-- What the relay keeps of a conversation. Nothing here is a key that opens anything, a name, or a member.
-- `number` is the relay's own number of a room: short, so that the indexes of the log stay small.
-- There are no foreign keys: a single writer keeps these tables together, and a check per entry would cost more than it finds.

-- This database, as one life of it.
CREATE TABLE relay (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    incarnation BLOB NOT NULL CHECK (length(incarnation) = 16) -- random, chosen at first start, replaced on a restore
) STRICT;

CREATE TABLE rooms (
    number INTEGER PRIMARY KEY,
    room_id BLOB NOT NULL UNIQUE CHECK (length(room_id) = 16), -- random, chosen by the client
    epoch INTEGER NOT NULL,                                    -- the current one, from 0
    last_handshake_seq INTEGER NOT NULL                        -- what a handshake is compared with; 0 before the first
) STRICT;

-- The public keys of every epoch of a room: whoever holds the private halves was in the room then.
CREATE TABLE epochs (
    room INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    began_seq INTEGER NOT NULL,                            -- the handshake that began it; 0 for the room's beginning
    access_key BLOB NOT NULL CHECK (length(access_key) = 32), -- Ed25519 public key: opens the room
    join_key BLOB NOT NULL CHECK (length(join_key) = 32),     -- Ed25519 public key: permits one handshake through a door
    PRIMARY KEY (room, epoch)
) STRICT, WITHOUT ROWID;

-- The log. Rows lie in order of arrival (three times as fast to write as a table clustered by room).
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    seq INTEGER NOT NULL,   -- from 1, without gaps
    kind INTEGER NOT NULL,  -- 1 handshake, 2 message
    epoch INTEGER NOT NULL, -- as in the entry's clear header
    entry_id BLOB NOT NULL CHECK (length(entry_id) = 16), -- as in the entry's clear header: recognises what is sent twice
    entry BLOB NOT NULL     -- header and ciphertext, as it came
) STRICT;
CREATE UNIQUE INDEX entries_by_seq ON entries (room, seq);
CREATE UNIQUE INDEX entries_by_id ON entries (room, entry_id);
CREATE INDEX handshakes_by_seq ON entries (room, seq) WHERE kind = 1;

-- What the doors of the current epoch open.
CREATE TABLE cards (
    room INTEGER PRIMARY KEY,
    card BLOB NOT NULL -- sealed
) STRICT;

-- The doors of the current epoch; a door that is not here is closed.
CREATE TABLE doors (
    room INTEGER NOT NULL,
    door_id BLOB NOT NULL CHECK (length(door_id) = 16), -- unguessable
    wrap BLOB NOT NULL,                                 -- the card's key, sealed to the holder of the door's secret
    PRIMARY KEY (room, door_id)
) STRICT, WITHOUT ROWID;
