-- Where devices want to be woken by web push. Endpoints, keys and tags are sealed under a key that is not in the database, each
-- with randomness of its own and all of one length: equal ones do not look alike. Days are counted since 1970.

CREATE TABLE push_subscriptions (
    room INTEGER NOT NULL,
    subscription_id BLOB NOT NULL CHECK (length(subscription_id) = 16), -- HMAC of room and tag
    began_seq INTEGER NOT NULL,                                         -- of the epoch at which it was made
    until_day INTEGER NOT NULL,                                         -- when it ends, unless it is renewed
    subscription BLOB NOT NULL CHECK (length(subscription) = 1232),     -- sealed
    PRIMARY KEY (room, subscription_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX push_subscriptions_by_end ON push_subscriptions (until_day);

-- The same for accounts: a subscription ends with its session.
ALTER TABLE sessions ADD COLUMN push BLOB CHECK (length(push) = 1232); -- sealed; nothing where none was asked for
ALTER TABLE sessions ADD COLUMN push_until_day INTEGER;
