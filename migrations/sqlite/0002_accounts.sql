-- What the relay keeps of accounts. No name, no password, no address, no room; days are counted since 1970.
-- `number` is the relay's own number of an account. Whoever changes what belongs to an account changes its row first.

CREATE TABLE accounts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name_hash BLOB NOT NULL UNIQUE CHECK (length(name_hash) = 32),   -- HMAC of the name, under a key that is not in the database
    account_id BLOB NOT NULL UNIQUE CHECK (length(account_id) = 16), -- hash of the identity key: the address of the inbox
    login BLOB NOT NULL CHECK (length(login) = 192),                 -- OPAQUE's record
    record BLOB NOT NULL,                                            -- the sealed record
    record_version INTEGER NOT NULL,                                 -- as inside it
    code_key BLOB NOT NULL UNIQUE CHECK (length(code_key) = 32),     -- Ed25519: the holder of the recovery code logs in by it
    entry BLOB NOT NULL,                                             -- public keys, signed by the account, for those who invite it
    is_findable INTEGER NOT NULL,                                    -- 1 where the name leads to it
    vault_records INTEGER NOT NULL,                                  -- how many there are
    vault_bytes INTEGER NOT NULL,                                    -- how long they are together
    inbox_letters INTEGER NOT NULL                                   -- how many there are
) STRICT;

CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    session_id BLOB NOT NULL UNIQUE CHECK (length(session_id) = 16), -- random: its name in the account's list
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32), -- SHA-256 of the token
    previous_hash BLOB NOT NULL,                                     -- of the token before, while that is good for one more call; else empty
    created_day INTEGER NOT NULL,
    used_day INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_previous ON sessions (previous_hash) WHERE length(previous_hash) > 0;

CREATE TABLE vault (
    account INTEGER NOT NULL,
    name BLOB NOT NULL CHECK (length(name) = 32), -- HMAC under a key of the account
    version INTEGER NOT NULL,                     -- from 1
    value BLOB NOT NULL,                          -- sealed
    PRIMARY KEY (account, name)
) STRICT;

CREATE TABLE inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    letter_id BLOB NOT NULL CHECK (length(letter_id) = 16), -- random
    letter BLOB NOT NULL,                                   -- sealed
    arrived_day INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_by_account ON inbox (account, number);

-- Names of deleted accounts, which rest a while.
CREATE TABLE resting_names (
    name_hash BLOB PRIMARY KEY CHECK (length(name_hash) = 32),
    until_day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Log-ins that were finished, so that none is finished twice.
CREATE TABLE spent (
    exchange BLOB PRIMARY KEY CHECK (length(exchange) = 16), -- random
    day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE invite_codes (
    code_hash BLOB PRIMARY KEY CHECK (length(code_hash) = 32), -- HMAC of the code
    uses_left INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Letter boxes of devices that pair.
CREATE TABLE pairings (
    letter_box BLOB NOT NULL CHECK (length(letter_box) = 16), -- hash of a secret that the two devices share
    step INTEGER NOT NULL,                                    -- which of the four messages
    message BLOB NOT NULL,                                    -- sealed, or a public key
    day INTEGER NOT NULL,
    PRIMARY KEY (letter_box, step)
) STRICT, WITHOUT ROWID;

-- Which secrets of the relay this database belongs to.
CREATE TABLE account_secrets (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    check_value BLOB NOT NULL CHECK (length(check_value) = 32)
) STRICT;
