-- Rooms that were deleted, so that whoever comes later is told so and does not take it for a loss, and nobody makes another one of
-- that id.
CREATE TABLE deleted_rooms (
    room_hash BLOB PRIMARY KEY CHECK (length(room_hash) = 32) -- SHA-256 of the room's id
) STRICT, WITHOUT ROWID;
