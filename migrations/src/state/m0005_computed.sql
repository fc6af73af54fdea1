-- How much of a table was computed; the rest was proved to be unchanged, or skipped.
ALTER TABLE jobs ADD COLUMN computed INTEGER; -- entries that the last attempt computed; none before its end
