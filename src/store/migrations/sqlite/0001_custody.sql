-- Times are microseconds since 1970 UTC. Ids are 16 characters of Crockford base32. Columns named in capitals SEALED
-- hold AES-256-GCM ciphertext under the row's own key, which is kept wrapped (dek) under the master key (kek).

-- States are rows, so that a later version adds one without rebuilding the table.
CREATE TABLE hold_state (name TEXT PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO hold_state (name) VALUES ('held'), ('released'), ('refused'), ('expired'), ('purged');

-- The store's own secret, wrapped: it keys the hashes that are compared and seals what belongs to no hold.
CREATE TABLE keyring (
    name TEXT PRIMARY KEY NOT NULL,
    kek  TEXT NOT NULL,
    dek  BLOB NOT NULL
) STRICT;

CREATE TABLE hold (
    id          TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    reference   TEXT NOT NULL CHECK (length(reference) = 8),
    received_at INTEGER NOT NULL,
    size        INTEGER NOT NULL CHECK (size >= 0),
    state       TEXT NOT NULL REFERENCES hold_state (name),
    version     INTEGER NOT NULL DEFAULT 1,
    rules       TEXT NOT NULL,
    categories  TEXT NOT NULL,
    mark        BLOB, -- keyed hash of sender, recipients, Message-ID and body; NULL without Message-ID
    decided_at  INTEGER,
    decided_by  TEXT,
    kek         TEXT,
    dek         BLOB,
    record      BLOB, -- SEALED
    decision    BLOB, -- SEALED
    blob        TEXT,
    CHECK ((dek IS NULL) = (kek IS NULL)),
    CHECK ((dek IS NULL) = (record IS NULL)),
    CHECK ((dek IS NULL) = (blob IS NULL)),
    CHECK ((dek IS NULL) = (state IN ('expired', 'purged')))
) STRICT;
CREATE INDEX hold_reference ON hold (reference);
-- A client that did not get our answer hands the same message over again: it is held once.
CREATE INDEX hold_mark ON hold (mark) WHERE state = 'held';
CREATE INDEX hold_by_state ON hold (state, received_at, id);
CREATE INDEX hold_by_time ON hold (received_at, id);
-- Retention asks only for those that still have content.
CREATE INDEX hold_live ON hold (received_at) WHERE blob IS NOT NULL;
CREATE INDEX hold_blob ON hold (blob) WHERE blob IS NOT NULL;

-- What a release allows: keyed hashes of message, recipients (16 bytes each) and values (16 bytes each).
CREATE TABLE ticket (
    hold       TEXT PRIMARY KEY NOT NULL REFERENCES hold (id),
    message    BLOB NOT NULL,
    rcpts      BLOB NOT NULL,
    vals       BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_message ON ticket (message);

CREATE TABLE delivery (
    id            TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind          TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    due_at        INTEGER,           -- NULL once finished
    finished_at   INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,
    attempting    INTEGER NOT NULL DEFAULT 0 CHECK (attempting IN (0, 1)),
    delay_noticed INTEGER NOT NULL DEFAULT 0 CHECK (delay_noticed IN (0, 1)),
    duplicates    INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    fence         INTEGER NOT NULL DEFAULT 0,
    leased_by     TEXT,
    leased_until  INTEGER,
    kek           TEXT,
    dek           BLOB,
    progress      BLOB, -- SEALED
    blob          TEXT,
    sealed_as     TEXT NOT NULL, -- the id the blob is bound to: the hold's for a release
    CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CHECK ((due_at IS NULL) = (dek IS NULL))
) STRICT;
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_blob ON delivery (blob) WHERE blob IS NOT NULL;

CREATE TABLE delivered (
    key        BLOB PRIMARY KEY NOT NULL,
    answer     BLOB NOT NULL, -- SEALED under the store's own secret
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE refusal (
    id         TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    reference  TEXT NOT NULL CHECK (length(reference) = 8),
    at         INTEGER NOT NULL,
    rules      TEXT NOT NULL,
    categories TEXT NOT NULL
) STRICT;
CREATE INDEX refusal_reference ON refusal (reference);
CREATE INDEX refusal_at ON refusal (at);

CREATE TABLE ledger (
    seq     INTEGER PRIMARY KEY NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    prev    BLOB NOT NULL CHECK (length(prev) = 32),
    hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
-- INSERT OR REPLACE deletes without firing a delete trigger; and a gap would hide a missing entry.
CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
WHEN NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
