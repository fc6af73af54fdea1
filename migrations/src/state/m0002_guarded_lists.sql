-- The lists because of which groups of a cache table are held back; none when the whole table is, for its source.
CREATE TABLE guarded_lists (
    table_name TEXT    NOT NULL REFERENCES guarded (table_name) ON DELETE CASCADE,
    list       TEXT    NOT NULL,             -- entry and column, or the year whose entries were counted
    items      INTEGER NOT NULL,             -- what would have been left of it
    run        INTEGER,                      -- the first scheduled run that saw the loss
    PRIMARY KEY (table_name, list)
) STRICT, WITHOUT ROWID;

INSERT INTO guarded_lists SELECT table_name, list, coalesce(items, 0), run FROM guarded WHERE list IS NOT NULL;

-- The run that has believed the loss of the source since; the table has not been refreshed yet.
ALTER TABLE guarded ADD COLUMN believed INTEGER;
UPDATE guarded SET believed = run WHERE list IS NULL;
ALTER TABLE guarded DROP COLUMN run;
ALTER TABLE guarded DROP COLUMN items;
ALTER TABLE guarded DROP COLUMN list;
