-- What the relay keeps of a conversation. Nothing here is a key that opens anything, a name, or a member.
-- `number` is the relay's own number of a room: short, so that the indexes of the log stay small, and never used again.
-- There are no foreign keys: whoever writes a room holds its row, which keeps these tables together, and a check per entry would cost more than it finds.
-- Yes and no are 1 and 0.

-- This database, as one life of it.
CREATE TABLE relay (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    incarnation BYTEA NOT NULL CHECK (length(incarnation) = 16) -- random, chosen at first start, replaced on a restore
);

CREATE TABLE rooms (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id BYTEA NOT NULL UNIQUE CHECK (length(room_id) = 16), -- random, chosen by the client
    epoch BIGINT NOT NULL,                                    -- the current one, from 0
    began_seq BIGINT NOT NULL,                                -- the handshake that began it; 0 for the room's beginning
    last_handshake_seq BIGINT NOT NULL,                       -- what a handshake is compared with: the last handshake or rewind; 0 before the first
    cut_seq BIGINT NOT NULL,                                  -- the last cut; 0 if none
    retention_s BIGINT,                                       -- how long messages are kept, set by an admin; nothing: as the operator has it
    dropped_seq BIGINT NOT NULL                               -- up to here all messages are too old and their bodies dropped
);

-- Every epoch of a room, those that were voided included. Whoever holds the private halves of its keys was in the room then.
CREATE TABLE epochs (
    room BIGINT NOT NULL,
    began_seq BIGINT NOT NULL,                            -- the handshake that began it; 0 for the room's beginning
    epoch BIGINT NOT NULL,
    access_key BYTEA NOT NULL CHECK (length(access_key) = 32), -- Ed25519 public key: opens the room
    join_key BYTEA NOT NULL CHECK (length(join_key) = 32),     -- Ed25519 public key: permits one handshake through a door
    by_door BIGINT NOT NULL,                              -- whether that handshake came through a door
    is_confirmed BIGINT NOT NULL,                         -- whether it is good for ever: a member's, or confirmed by one
    is_cut BIGINT NOT NULL,                               -- whether access keys of earlier epochs open nothing after it
    voided_seq BIGINT NOT NULL,                           -- the rewind that voided it; 0 while it is good
    admin_keys BYTEA NOT NULL,                              -- Ed25519 public keys of owner and admins, 32 bytes each
    PRIMARY KEY (room, epoch, began_seq)
);
CREATE UNIQUE INDEX epochs_by_start ON epochs (room, began_seq);
CREATE INDEX cuts ON epochs (room, began_seq) WHERE is_cut = 1;
CREATE INDEX unconfirmed_joins ON epochs (room, began_seq) WHERE is_confirmed = 0;

-- The log. Rows lie in order of arrival.
CREATE TABLE entries (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room BIGINT NOT NULL,
    seq BIGINT NOT NULL,   -- from 1, without gaps
    kind BIGINT NOT NULL,  -- 1 handshake, 2 message, 3 rewind
    epoch BIGINT NOT NULL, -- as in the entry's clear header
    entry_id BYTEA NOT NULL CHECK (length(entry_id) = 16), -- as in the entry's clear header: recognises what is sent twice
    stored_hour BIGINT NOT NULL, -- hours since 1970: how old it is, and no finer
    entry BYTEA,             -- header and ciphertext, as it came; nothing once it was dropped
    hash BYTEA               -- SHA-256 of an entry that was dropped
);
CREATE UNIQUE INDEX entries_by_seq ON entries (room, seq);
CREATE UNIQUE INDEX entries_by_id ON entries (room, entry_id);
CREATE INDEX handshakes_by_seq ON entries (room, seq) WHERE kind <> 2;

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
    expires_at_ms BIGINT,                              -- when it closes, in milliseconds since 1970
    PRIMARY KEY (room, door_id)
);
CREATE INDEX doors_by_expiry ON doors (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- What it takes to read an epoch later, for the accounts that were in it.
CREATE TABLE capsules (
    room BIGINT NOT NULL,
    began_seq BIGINT NOT NULL, -- of the epoch
    capsule BYTEA NOT NULL,      -- sealed
    PRIMARY KEY (room, began_seq)
);

CREATE TABLE capsule_wraps (
    room BIGINT NOT NULL,
    began_seq BIGINT NOT NULL, -- of the epoch
    tag BYTEA NOT NULL CHECK (length(tag) = 16), -- by which an account finds its own
    wrap BYTEA NOT NULL,         -- the capsule's key, sealed to that account
    owner BYTEA CHECK (length(owner) = 32), -- Ed25519 public key whose holder may have it dropped
    PRIMARY KEY (room, began_seq, tag)
);
CREATE INDEX capsule_wraps_by_tag ON capsule_wraps (room, tag);

-- The same, for newcomers: an epoch, sealed under the next one.
CREATE TABLE history_links (
    room BIGINT NOT NULL,
    began_seq BIGINT NOT NULL, -- of the next epoch: the handshake that it stands beside
    link BYTEA NOT NULL,         -- sealed
    PRIMARY KEY (room, began_seq)
);

-- The last value of each device's soft state in the current epoch.
CREATE TABLE registers (
    room BIGINT NOT NULL,
    register_id BYTEA NOT NULL CHECK (length(register_id) = 16), -- another one in every epoch
    value BYTEA NOT NULL CHECK (length(value) = 256),            -- sealed
    PRIMARY KEY (room, register_id)
);
