-- Room-admin keys change by handovers only: `admin_keys` is the list that came with one, and nothing in every other epoch.
-- `entries.kind` is 4 for a commit that came through a door.
ALTER TABLE epochs ADD COLUMN is_handover BIGINT NOT NULL DEFAULT 1; -- whether a list of room-admin keys came with it
ALTER TABLE epochs ADD COLUMN door_id BYTEA CHECK (octet_length(door_id) = 16); -- of a join, while nobody has confirmed or voided it: the door through which it came
CREATE INDEX handovers ON epochs (room, is_handover, voided_seq, began_seq);
