-- A state as the first commit that had one left it: its only migration, and that it was applied.

CREATE TABLE seaql_migrations (version TEXT NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL);
INSERT INTO seaql_migrations VALUES ('m0001_first', 1770000000);

-- Instants are INTEGER microseconds since 1970 UTC: they compare as numbers and depend on no text format.
-- Words (phase, outcome, trigger, table) are those of the daemon's vocabulary, stored as they are shown.

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: scripts and logs keep it after the row is pruned
    "trigger"   TEXT    NOT NULL,                  -- what asked for it
    slot        TEXT,                              -- civil date-time of a scheduled run; none for every other
    request_key TEXT    UNIQUE,                    -- what an identical request would ask for; only while it may be joined
    force       INTEGER NOT NULL,                  -- also entries that are young enough
    accept      INTEGER NOT NULL,                  -- accept a source that lost suspiciously many rows
    exact       INTEGER NOT NULL,                  -- payloads without the documented deviations
    as_of       INTEGER,                           -- the instant used as "now", when it is not the wall clock's
    phase       TEXT    NOT NULL,                  -- where it is in its life
    queued      INTEGER NOT NULL,                  -- when it was asked for
    started     INTEGER,                           -- when work first began; an interruption does not move it
    ended       INTEGER,                           -- when the last table ended
    seconds     REAL    NOT NULL DEFAULT 0,        -- work on a clock that cannot be set, which ended - started is not
    outcome     TEXT                               -- verdict: that of its worst table
) STRICT;

-- The queue is the few rows that are not done; history must not slow it down.
CREATE INDEX runs_phase ON runs (phase, id);
CREATE INDEX runs_queued ON runs (queued);

CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    table_name TEXT    NOT NULL,             -- the cache table
    ordinal    INTEGER NOT NULL,             -- its place in the working order of the run
    phase      TEXT    NOT NULL,             -- where it is in its life
    outcome    TEXT,                         -- how the last attempt ended
    entries    INTEGER NOT NULL DEFAULT 0,   -- entries that the report has
    rebuilt    INTEGER NOT NULL DEFAULT 0,   -- of those, written because they had changed
    verified   INTEGER NOT NULL DEFAULT 0,   -- of those, stamped because they had not
    skipped    INTEGER NOT NULL DEFAULT 0,   -- of those, left alone because they were young
    pruned     INTEGER NOT NULL DEFAULT 0,   -- removed, because no longer part of the report
    failed     INTEGER NOT NULL DEFAULT 0,   -- could not be written
    warnings   INTEGER NOT NULL DEFAULT 0,   -- source rows left out or read with a substitute
    bytes      INTEGER NOT NULL DEFAULT 0,   -- payload generated
    seconds    REAL    NOT NULL DEFAULT 0,   -- work
    error      TEXT,                         -- the last error, one line
    UNIQUE (run_id, ordinal)
) STRICT;

CREATE INDEX jobs_phase ON jobs (phase, id);
CREATE INDEX jobs_outcome ON jobs (outcome, id);

CREATE TABLE attempts (
    job_id   INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,               -- counted from 1; a later start finds the interrupted one before it
    started  INTEGER NOT NULL,
    ended    INTEGER,                        -- none while it runs, or after the process died in it
    snapshot INTEGER,                        -- instant of the source it was computed from
    outcome  TEXT,
    error    TEXT,                           -- one line
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE slots (
    schedule TEXT    NOT NULL,               -- name of the schedule
    slot     TEXT    NOT NULL,               -- civil date-time, YYYY-MM-DD HH:MM: the same on both sides of a clock change
    decision TEXT    NOT NULL,               -- run, missed, paused or superseded
    run_id   INTEGER REFERENCES runs (id) ON DELETE SET NULL, -- the run of a slot that ran, until history is pruned
    decided  INTEGER NOT NULL,               -- when; a verdict from the future was made by a clock that was wrong
    PRIMARY KEY (schedule, slot)             -- no night runs twice
) STRICT, WITHOUT ROWID;

CREATE INDEX slots_run ON slots (run_id);

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,         -- what must survive restarts and is no configuration
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name  TEXT    NOT NULL PRIMARY KEY,      -- a metric that must not fall back to zero at a restart
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What we wrote last, entry by entry: whoever finds another row there knows that somebody else wrote.
CREATE TABLE entries (
    table_name   TEXT    NOT NULL,
    entry_key    TEXT    NOT NULL,           -- key columns of the cache row, as one text
    row_id       INTEGER NOT NULL,           -- id of the cache row
    last_updated TEXT    NOT NULL,           -- exactly as stored in VMS's column
    fingerprint  TEXT    NOT NULL,           -- settings that the payload depends on
    PRIMARY KEY (table_name, entry_key)
) STRICT, WITHOUT ROWID;
