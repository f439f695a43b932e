-- Facts of judged messages, for trying a changed policy on them, and proposals to change the policy.
-- Times are microseconds since 1970 UTC. SEALED: AES-256-GCM under the store's own secret, bound to the row.

CREATE TABLE facts (
    id     TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at     INTEGER NOT NULL,
    sealed BLOB NOT NULL -- SEALED
) STRICT;
CREATE INDEX facts_at ON facts (at, id);

CREATE TABLE proposal (
    id             TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at             INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'emergency', 'rejected', 'adopted', 'changed')),
    requester      TEXT NOT NULL,
    requester_login TEXT NOT NULL, -- what the machine knows the requester by, empty when nothing
    before         TEXT NOT NULL, -- what was in force: a built-in policy's name or the SHA-256 of a file, in hexadecimal
    sha256         TEXT NOT NULL CHECK (length(sha256) = 64),
    second_person  INTEGER NOT NULL CHECK (second_person IN (0, 1)), -- a change of this policy needs a second person
    sealed         BLOB NOT NULL, -- SEALED: the policy's text, the reason
    decided_at     INTEGER,
    approver       TEXT,
    enforced_at    INTEGER, -- when a relay last began to enforce it
    CHECK ((decided_at IS NULL) = (state IN ('proposed', 'adopted', 'changed')))
) STRICT;
CREATE INDEX proposal_sha256 ON proposal (sha256);

-- What is in force, on every node that shares the store.
CREATE TABLE enforced (
    one  INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    what TEXT NOT NULL, -- as proposal.before
    at   INTEGER NOT NULL
) STRICT;
