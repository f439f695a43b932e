-- Deliveries that ended without reaching everybody, kept whole for an operator who may send them again.
CREATE TABLE dead_letter (
    id        TEXT COLLATE "C" PRIMARY KEY REFERENCES delivery (id),
    died_at   BIGINT NOT NULL,
    kek       TEXT NOT NULL,
    dek       BYTEA NOT NULL,
    progress  BYTEA NOT NULL, -- SEALED
    blob      TEXT COLLATE "C" NOT NULL
);
CREATE INDEX dead_letter_blob ON dead_letter (blob);
CREATE INDEX dead_letter_died ON dead_letter (died_at);

-- Retries and their end count from here when somebody began them anew.
ALTER TABLE delivery ADD COLUMN window_at BIGINT;
