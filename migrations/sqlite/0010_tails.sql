-- What is sent twice is recognised without an index over random ids: of messages only what came after the place up to which their sender
-- has read is looked through, a handshake is compared with the one that followed the handshake that it names, a rewind with the one that
-- voided what it names.
DROP INDEX entries_by_id;

-- The shortest retention by which a body of the room was ever dropped, in seconds: members are told, so that none goes unnoticed that
-- was dropped before its time. 0 where none was.
ALTER TABLE rooms ADD COLUMN dropped_aged_s INTEGER NOT NULL DEFAULT 0;
-- The shortest that there can have been.
UPDATE rooms SET dropped_aged_s = 60 WHERE dropped_seq > 0;
