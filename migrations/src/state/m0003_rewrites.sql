-- A payload that another process has written over ours is compared with it by digest.
ALTER TABLE entries ADD COLUMN payload TEXT; -- digest of the payload as we wrote it; none for a row of VMS's own

-- When another process rewrote cache rows in bulk, as no page view does: a second refresher, whatever its hours.
CREATE TABLE rewrites (
    at         INTEGER NOT NULL,             -- when it was found
    table_name TEXT    NOT NULL,
    rows       INTEGER NOT NULL,             -- how many were rewritten
    PRIMARY KEY (at, table_name)
) STRICT, WITHOUT ROWID;
