-- Instants are INTEGER microseconds since 1970 UTC: they compare as numbers and depend on no text format.
-- Words (phase, outcome, trigger, table) are those of the daemon's vocabulary, stored as they are shown.

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: scripts and logs keep it after the row is pruned
    "trigger"   TEXT    NOT NULL,                  -- what asked for it
    slot        TEXT,                              -- civil date-time of a scheduled run; none for every other
    priority    INTEGER NOT NULL,                  -- smaller goes first; a joined request may raise it
    force       INTEGER NOT NULL,                  -- also entries that are young enough
    accept      INTEGER NOT NULL,                  -- accept a source that lost suspiciously many rows
    exact       INTEGER NOT NULL,                  -- payloads without the documented deviations
    as_of       INTEGER,                           -- the instant used as "now", when it is not the wall clock's
    renew_before INTEGER,                          -- for a top-up: entries that last so long are left alone
    phase       TEXT    NOT NULL,                  -- where it is in its life
    lease       TEXT,                              -- random token of the worker that has it: nobody else may write results
    lease_until INTEGER,                           -- not renewed until then, the worker is taken for dead
    not_before  INTEGER,                           -- all its jobs wait for their next attempt until then
    parked      INTEGER,                           -- since when; one from the future was set by a clock that was wrong
    queued      INTEGER NOT NULL,                  -- when it was asked for
    started     INTEGER,                           -- when work first began; an interruption does not move it
    ended       INTEGER,                           -- when the last table ended
    seconds     REAL    NOT NULL DEFAULT 0,        -- work on a clock that cannot be set, which ended - started is not
    outcome     TEXT                               -- verdict: that of its worst table
) STRICT;

-- The queue is the few rows that are not done; history must not slow it down.
CREATE INDEX runs_phase ON runs (phase, priority, id);
CREATE INDEX runs_queued ON runs (queued);

CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused, as for runs
    run_id     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    table_name TEXT    NOT NULL,             -- the cache table
    ordinal    INTEGER NOT NULL,             -- its place in the working order of the run
    phase      TEXT    NOT NULL,             -- where it is in its life
    outcome    TEXT,                         -- how it ended; none while another attempt may follow
    failures   INTEGER NOT NULL DEFAULT 0,   -- attempts that failed by themselves
    kills      INTEGER NOT NULL DEFAULT 0,   -- attempts that died with their worker; too many look like its doing
    not_before INTEGER,                      -- waits for its next attempt until then
    cancel     INTEGER NOT NULL DEFAULT 0,   -- somebody wants it stopped; survives the worker that should have done it
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
    lock_count   INTEGER NOT NULL DEFAULT 0, -- how often VMS's write lock was held, by all attempts
    lock_seconds REAL    NOT NULL DEFAULT 0, -- how long in all
    lock_longest REAL    NOT NULL DEFAULT 0, -- the longest time: what a writer of VMS had to wait at the most
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
    seconds  REAL    NOT NULL DEFAULT 0,     -- work on a clock that cannot be set
    outcome  TEXT,
    error    TEXT,                           -- one line
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attempts_end_once BEFORE UPDATE ON attempts WHEN OLD.ended IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'an attempt that has ended is history and never changes');
END;

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

-- How we left each entry last: whoever finds another row there, or none, knows that somebody else wrote.
CREATE TABLE entries (
    table_name   TEXT    NOT NULL,
    entry_key    TEXT    NOT NULL,           -- key columns of the cache row, as one text
    row_id       INTEGER NOT NULL,           -- id of the cache row
    last_updated TEXT    NOT NULL,           -- exactly as stored in VMS's column
    fingerprint  TEXT,                       -- settings that the payload depends on; none for a row of VMS's own
    PRIMARY KEY (table_name, entry_key)
) STRICT, WITHOUT ROWID;

-- What each table was last generated from as a whole. When nothing of it has changed, no report has to be computed again.
CREATE TABLE generations (
    table_name TEXT    NOT NULL PRIMARY KEY,
    inputs     TEXT    NOT NULL,             -- hash over source, settings, clock and foreign rows
    entries    INTEGER NOT NULL,             -- entries of the report
    bytes      INTEGER NOT NULL              -- bytes of payload
) STRICT, WITHOUT ROWID;

-- The source that each cache table was last generated from, entry for entry: a restart notices what has changed since.
CREATE TABLE sources (
    table_name TEXT    NOT NULL,
    source     TEXT    NOT NULL,             -- VMS's table
    rows       INTEGER NOT NULL,
    hash       TEXT    NOT NULL,             -- over the columns that are read, 32 hexadecimal digits
    taken      INTEGER NOT NULL,             -- instant of the snapshot
    PRIMARY KEY (table_name, source)
) STRICT, WITHOUT ROWID;

-- Cache tables that somebody else emptied or replaced, once per hour: a second refresher comes back at the same time.
CREATE TABLE wipes (
    day        TEXT    NOT NULL,             -- civil date, YYYY-MM-DD
    hour       INTEGER NOT NULL,             -- civil hour, 0 to 23
    table_name TEXT    NOT NULL,
    PRIMARY KEY (day, hour, table_name)
) STRICT, WITHOUT ROWID;

-- How many rows each source table had in the last snapshot that was believed.
CREATE TABLE guard_counts (
    source  TEXT    NOT NULL PRIMARY KEY,
    rows    INTEGER NOT NULL,
    suspect INTEGER,                         -- rows in the scheduled runs since then that were held for this table
    suspect_run INTEGER,                     -- the first of those runs: the same one begun anew is not a second one
    taken   INTEGER NOT NULL                 -- instant of the snapshot that was believed
) STRICT, WITHOUT ROWID;

-- Cache tables that are held back, and why.
CREATE TABLE guarded (
    table_name TEXT    NOT NULL PRIMARY KEY,
    reason     TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    list       TEXT,                         -- the list that shrank; none when the source did
    items      INTEGER,                      -- what would have been left of it
    run        INTEGER                       -- with a list: the first scheduled run that saw it; without: the run that
                                             -- has believed the loss since
) STRICT, WITHOUT ROWID;

-- Samples of how many of the entries that should be there VMS's readers would have accepted.
CREATE TABLE readiness (
    at       INTEGER NOT NULL PRIMARY KEY,
    expected INTEGER NOT NULL,
    accepted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Maintenance that its schedules have asked for; it waits here until it has ended.
CREATE TABLE chores (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    task     TEXT    NOT NULL,
    slot     TEXT    NOT NULL,               -- civil date-time, YYYY-MM-DD HH:MM
    queued   INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,     -- counted as they begin: one that kills the daemon each time must end, too
    ended    INTEGER,
    error    TEXT                            -- why it was given up, one line
) STRICT;
