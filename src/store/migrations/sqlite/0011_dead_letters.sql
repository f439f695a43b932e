-- Deliveries that ended without reaching everybody, kept whole for an operator who may send them again.
CREATE TABLE dead_letter (
    id        TEXT PRIMARY KEY NOT NULL REFERENCES delivery (id),
    died_at   INTEGER NOT NULL,
    kek       TEXT NOT NULL,
    dek       BLOB NOT NULL,
    progress  BLOB NOT NULL, -- SEALED
    blob      TEXT NOT NULL
) STRICT;
CREATE INDEX dead_letter_blob ON dead_letter (blob);
CREATE INDEX dead_letter_died ON dead_letter (died_at);

-- Retries and their end count from here when somebody began them anew.
ALTER TABLE delivery ADD COLUMN window_at INTEGER;
