-- What the relay keeps of accounts. No name, no password, no address, no room; days are counted since 1970.
-- `number` is the relay's own number of an account. Whoever changes what belongs to an account changes its row first.

CREATE TABLE accounts (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name_hash BYTEA NOT NULL UNIQUE CHECK (length(name_hash) = 32),   -- HMAC of the name, under a key that is not in the database
    account_id BYTEA NOT NULL UNIQUE CHECK (length(account_id) = 16), -- hash of the identity key: the address of the inbox
    login BYTEA NOT NULL CHECK (length(login) = 192),                 -- OPAQUE's record
    record BYTEA NOT NULL,                                            -- the sealed record
    record_version BIGINT NOT NULL,                                 -- as inside it
    code_key BYTEA NOT NULL UNIQUE CHECK (length(code_key) = 32),     -- Ed25519: the holder of the recovery code logs in by it
    entry BYTEA NOT NULL,                                             -- public keys, signed by the account, for those who invite it
    is_findable BIGINT NOT NULL,                                    -- 1 where the name leads to it
    vault_records BIGINT NOT NULL,                                  -- how many there are
    vault_bytes BIGINT NOT NULL,                                    -- how long they are together
    inbox_letters BIGINT NOT NULL                                   -- how many there are
);

CREATE TABLE sessions (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account BIGINT NOT NULL,
    session_id BYTEA NOT NULL UNIQUE CHECK (length(session_id) = 16), -- random: its name in the account's list
    token_hash BYTEA NOT NULL UNIQUE CHECK (length(token_hash) = 32), -- SHA-256 of the token
    previous_hash BYTEA NOT NULL,                                     -- of the token before, while that is good for one more call; else empty
    created_day BIGINT NOT NULL,
    used_day BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_previous ON sessions (previous_hash) WHERE length(previous_hash) > 0;

CREATE TABLE vault (
    account BIGINT NOT NULL,
    name BYTEA NOT NULL CHECK (length(name) = 32), -- HMAC under a key of the account
    version BIGINT NOT NULL,                     -- from 1
    value BYTEA NOT NULL,                          -- sealed
    PRIMARY KEY (account, name)
);

CREATE TABLE inbox (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account BIGINT NOT NULL,
    letter_id BYTEA NOT NULL CHECK (length(letter_id) = 16), -- random
    letter BYTEA NOT NULL,                                   -- sealed
    arrived_day BIGINT NOT NULL
);
CREATE INDEX inbox_by_account ON inbox (account, number);

-- Names of deleted accounts, which rest a while.
CREATE TABLE resting_names (
    name_hash BYTEA PRIMARY KEY CHECK (length(name_hash) = 32),
    until_day BIGINT NOT NULL
);

-- Log-ins that were finished, so that none is finished twice.
CREATE TABLE spent (
    exchange BYTEA PRIMARY KEY CHECK (length(exchange) = 16), -- random
    day BIGINT NOT NULL
);

CREATE TABLE invite_codes (
    code_hash BYTEA PRIMARY KEY CHECK (length(code_hash) = 32), -- HMAC of the code
    uses_left BIGINT NOT NULL
);

-- Letter boxes of devices that pair.
CREATE TABLE pairings (
    letter_box BYTEA NOT NULL CHECK (length(letter_box) = 16), -- hash of a secret that the two devices share
    step BIGINT NOT NULL,                                    -- which of the four messages
    message BYTEA NOT NULL,                                    -- sealed, or a public key
    day BIGINT NOT NULL,
    PRIMARY KEY (letter_box, step)
);

-- Which secrets of the relay this database belongs to.
CREATE TABLE account_secrets (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    check_value BYTEA NOT NULL CHECK (length(check_value) = 32)
);
