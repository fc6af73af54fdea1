-- What each entry was computed from: if that is unchanged, and the row still holds the payload of our digest, a scheduled
-- run keeps the entry without computing it. One record per entry, so that a new day computes its new windows only.
ALTER TABLE entries ADD COLUMN inputs TEXT; -- digest of all that the payload depends on; none for a row of VMS's own
DROP TABLE generations;                     -- the same for a whole table, and for one process
