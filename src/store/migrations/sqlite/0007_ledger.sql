-- Format 2 chains a salted hash in the place of a person's name, so that the name can be erased and the chain still holds. Entries
-- from before keep format 1, whose actor is chained in clear.
ALTER TABLE ledger ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE ledger ADD COLUMN person BLOB CHECK (person IS NULL OR length(person) = 32);
CREATE INDEX ledger_action ON ledger (action);
CREATE INDEX ledger_subject ON ledger (subject) WHERE subject <> '';

-- Who acted. person = SHA-256(salt, actor). Rows go when a person's name is erased; they never change.
CREATE TABLE ledger_person (
    seq   INTEGER PRIMARY KEY NOT NULL,
    salt  BLOB NOT NULL CHECK (length(salt) = 16),
    actor TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_person_actor ON ledger_person (actor);
CREATE TRIGGER ledger_person_no_update BEFORE UPDATE ON ledger_person
BEGIN SELECT RAISE(ABORT, 'a name in the ledger is erased or stays'); END;

-- Heads of the chain that were signed; the note is the whole checkpoint with its signature.
CREATE TABLE checkpoint (
    seq  INTEGER PRIMARY KEY NOT NULL CHECK (seq > 0),
    at   INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    note TEXT NOT NULL
) STRICT;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are only ever added'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are only ever added'); END;
