-- Master keys: which there have been, and which nothing may be wrapped under any more. The keys themselves are never here.
-- Times are microseconds since 1970 UTC.

CREATE TABLE master_key (
    id         TEXT PRIMARY KEY NOT NULL,
    added_at   INTEGER NOT NULL, -- when it was first seen
    dropped_at INTEGER           -- NULL while it may be used
) STRICT, WITHOUT ROWID;

-- Which rows are wrapped under a key, and since when the oldest.
CREATE INDEX hold_kek ON hold (kek, received_at) WHERE kek IS NOT NULL;
CREATE INDEX delivery_kek ON delivery (kek, created_at) WHERE kek IS NOT NULL;

-- A relay that has not yet noticed that its key was dropped must not lose what it takes in meanwhile.
CREATE TRIGGER hold_new_kek BEFORE INSERT ON hold
WHEN NEW.kek IN (SELECT id FROM master_key WHERE dropped_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wrapped under a master key that was dropped'); END;
CREATE TRIGGER hold_other_kek BEFORE UPDATE OF kek ON hold
WHEN NEW.kek IS NOT OLD.kek AND NEW.kek IN (SELECT id FROM master_key WHERE dropped_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wrapped under a master key that was dropped'); END;
CREATE TRIGGER delivery_new_kek BEFORE INSERT ON delivery
WHEN NEW.kek IN (SELECT id FROM master_key WHERE dropped_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wrapped under a master key that was dropped'); END;
CREATE TRIGGER delivery_other_kek BEFORE UPDATE OF kek ON delivery
WHEN NEW.kek IS NOT OLD.kek AND NEW.kek IN (SELECT id FROM master_key WHERE dropped_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wrapped under a master key that was dropped'); END;
CREATE TRIGGER keyring_new_kek BEFORE INSERT ON keyring
WHEN NEW.kek IN (SELECT id FROM master_key WHERE dropped_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wrapped under a master key that was dropped'); END;
CREATE TRIGGER keyring_other_kek BEFORE UPDATE OF kek ON keyring
WHEN NEW.kek IS NOT OLD.kek AND NEW.kek IN (SELECT id FROM master_key WHERE dropped_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wrapped under a master key that was dropped'); END;
