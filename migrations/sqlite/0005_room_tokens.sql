-- Room tokens that were used, so that none makes two rooms. They were made blindly: nothing here leads to an account, nor to
-- the room.

CREATE TABLE spent_room_tokens (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32), -- SHA-256 of the nonce
    period INTEGER NOT NULL                                        -- the stretch of 30 days in which it was made
) STRICT, WITHOUT ROWID;
