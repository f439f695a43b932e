-- Times are microseconds since 1970 UTC. Ids are 16 characters of Crockford base32. Columns named in capitals SEALED
-- hold AES-256-GCM ciphertext under the row's own key, which is kept wrapped (dek) under the master key (kek).

-- States are rows, so that a later version adds one without rebuilding the table.
CREATE TABLE hold_state (name TEXT COLLATE "C" PRIMARY KEY NOT NULL);
INSERT INTO hold_state (name) VALUES ('held'), ('released'), ('refused'), ('expired'), ('purged');

-- The store's own secret, wrapped: it keys the hashes that are compared and seals what belongs to no hold.
CREATE TABLE keyring (
    name TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    kek  TEXT COLLATE "C" NOT NULL,
    dek  BYTEA NOT NULL
);

CREATE TABLE hold (
    id          TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    reference   TEXT COLLATE "C" NOT NULL CHECK (length(reference) = 8),
    received_at BIGINT NOT NULL,
    size        BIGINT NOT NULL CHECK (size >= 0),
    state       TEXT COLLATE "C" NOT NULL REFERENCES hold_state (name),
    version     BIGINT NOT NULL DEFAULT 1,
    rules       TEXT COLLATE "C" NOT NULL,
    categories  TEXT COLLATE "C" NOT NULL,
    mark        BYTEA, -- keyed hash of sender, recipients, Message-ID and body; NULL without Message-ID
    decided_at  BIGINT,
    decided_by  TEXT COLLATE "C",
    kek         TEXT COLLATE "C",
    dek         BYTEA,
    record      BYTEA, -- SEALED
    decision    BYTEA, -- SEALED
    blob        TEXT COLLATE "C",
    CHECK ((dek IS NULL) = (kek IS NULL)),
    CHECK ((dek IS NULL) = (record IS NULL)),
    CHECK ((dek IS NULL) = (blob IS NULL)),
    CHECK ((dek IS NULL) = (state IN ('expired', 'purged')))
);
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
    hold       TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES hold (id),
    message    BYTEA NOT NULL,
    rcpts      BYTEA NOT NULL,
    vals       BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ticket_message ON ticket (message);

CREATE TABLE delivery (
    id            TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind          TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    due_at        BIGINT,           -- NULL once finished
    finished_at   BIGINT,
    attempts      BIGINT NOT NULL DEFAULT 0,
    attempting    BIGINT NOT NULL DEFAULT 0 CHECK (attempting IN (0, 1)),
    delay_noticed BOOLEAN NOT NULL DEFAULT FALSE,
    duplicates    BIGINT NOT NULL DEFAULT 0,
    failed        BIGINT NOT NULL DEFAULT 0,
    fence         BIGINT NOT NULL DEFAULT 0,
    leased_by     TEXT COLLATE "C",
    leased_until  BIGINT,
    kek           TEXT COLLATE "C",
    dek           BYTEA,
    progress      BYTEA, -- SEALED
    blob          TEXT COLLATE "C",
    sealed_as     TEXT COLLATE "C" NOT NULL, -- the id the blob is bound to: the hold's for a release
    CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CHECK ((due_at IS NULL) = (dek IS NULL))
);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_blob ON delivery (blob) WHERE blob IS NOT NULL;

CREATE TABLE delivered (
    key        BYTEA PRIMARY KEY NOT NULL,
    answer     BYTEA NOT NULL, -- SEALED under the store's own secret
    expires_at BIGINT NOT NULL
);

CREATE TABLE refusal (
    id         TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    reference  TEXT COLLATE "C" NOT NULL CHECK (length(reference) = 8),
    at         BIGINT NOT NULL,
    rules      TEXT COLLATE "C" NOT NULL,
    categories TEXT COLLATE "C" NOT NULL,
    explanation TEXT COLLATE "C" NOT NULL DEFAULT '' -- why, in plain words; no personal data, so not sealed
);
CREATE INDEX refusal_reference ON refusal (reference);
CREATE INDEX refusal_at ON refusal (at);

CREATE TABLE ledger (
    seq     BIGINT PRIMARY KEY NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL,
    action  TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    detail  TEXT COLLATE "C" NOT NULL,
    prev    BYTEA NOT NULL CHECK (length(prev) = 32),
    hash    BYTEA NOT NULL CHECK (length(hash) = 32)
);
-- The last entry: taken for update by every transaction that adds one, so that nodes cannot fork the chain.
CREATE TABLE ledger_head (
    one  BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO ledger_head (one, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq  BIGINT;
    last_hash BYTEA;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT seq, hash INTO last_seq, last_hash FROM ledger ORDER BY seq DESC LIMIT 1;
        IF NEW.seq = 1 + coalesce(last_seq, 0) AND NEW.prev = coalesce(last_hash, decode(repeat('00', 32), 'hex')) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the ledger is only ever added to';
END $$;
CREATE TRIGGER ledger_in_order BEFORE INSERT OR UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_only_grows();
CREATE FUNCTION ledger_head_only_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A restore fills an empty ledger at once.
    IF TG_OP = 'UPDATE' AND (NEW.seq = OLD.seq + 1 OR OLD.seq = 0) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the head of the ledger only moves on';
END $$;
CREATE TRIGGER ledger_head_moves BEFORE UPDATE OR DELETE ON ledger_head FOR EACH ROW EXECUTE FUNCTION ledger_head_only_moves_on();
CREATE TRIGGER ledger_head_not_emptied BEFORE TRUNCATE ON ledger_head FOR EACH STATEMENT EXECUTE FUNCTION ledger_head_only_moves_on();
CREATE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows();

-- Mailboxes of the trust that forward to the outside by themselves. Both tokens are keyed hashes (16 bytes) of addresses; the addresses
-- stand in the column named SEALED, under the store's own secret and bound to both tokens.
CREATE TABLE forwarding (
    mailbox    BYTEA NOT NULL CHECK (length(mailbox) = 16),
    target     BYTEA NOT NULL CHECK (length(target) = 16),
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    messages   BIGINT NOT NULL,
    marks      TEXT COLLATE "C" NOT NULL,
    notices    BIGINT NOT NULL, -- days for which a notice was asked for
    notice_day TEXT COLLATE "C",          -- the last day for which a notice was asked for, by the trust's calendar
    addresses  BYTEA NOT NULL, -- SEALED
    PRIMARY KEY (mailbox, target)
);
CREATE INDEX forwarding_last ON forwarding (last_seen);

-- What is remembered of mail over time, as one sealed text.
CREATE TABLE habits (
    name  TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    at    BIGINT NOT NULL,
    state BYTEA NOT NULL -- SEALED
);

-- What notices must remember. No personal data: people and mailboxes are keyed hashes of 16 bytes, roles and rules are ids of the policy.

-- What has been told once and is not told again until then: a message, a mailbox and target on a day.
CREATE TABLE notice_mark (
    mark       BYTEA PRIMARY KEY NOT NULL CHECK (length(mark) = 16),
    expires_at BIGINT NOT NULL
);

-- When notices went out at once, to hold to the limits of an hour.
CREATE TABLE notice_sent (
    scope BYTEA NOT NULL CHECK (length(scope) = 16), -- keyed hash of a role or a sender
    at    BIGINT NOT NULL
);
CREATE INDEX notice_sent_scope ON notice_sent (scope, at);
CREATE INDEX notice_sent_at ON notice_sent (at);

-- What waits for a role's digest, counted.
CREATE TABLE notice_pending (
    role    TEXT COLLATE "C" NOT NULL,
    rule    TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    number  BIGINT NOT NULL CHECK (number > 0),
    PRIMARY KEY (role, rule, outcome)
);

-- The day of each role's last digest, as 2026-11-28.
CREATE TABLE notice_digest (
    role TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    day  TEXT COLLATE "C" NOT NULL
);

-- Holds that a further role is told of unless they are decided by then.
CREATE TABLE notice_escalation (
    hold    TEXT COLLATE "C" NOT NULL REFERENCES hold (id),
    role    TEXT COLLATE "C" NOT NULL,
    rule    TEXT COLLATE "C" NOT NULL,
    minutes BIGINT NOT NULL,
    due_at  BIGINT NOT NULL,
    PRIMARY KEY (hold, role)
);
CREATE INDEX notice_escalation_due ON notice_escalation (due_at);

-- Facts of judged messages, for trying a changed policy on them, and proposals to change the policy.
-- Times are microseconds since 1970 UTC. SEALED: AES-256-GCM under the store's own secret, bound to the row.

CREATE TABLE facts (
    id     TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at     BIGINT NOT NULL,
    sealed BYTEA NOT NULL -- SEALED
);
CREATE INDEX facts_at ON facts (at, id);

CREATE TABLE proposal (
    id             TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at             BIGINT NOT NULL,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('proposed', 'approved', 'emergency', 'rejected', 'adopted', 'changed')),
    requester      TEXT COLLATE "C" NOT NULL,
    requester_login TEXT COLLATE "C" NOT NULL, -- what the machine knows the requester by, empty when nothing
    before         TEXT COLLATE "C" NOT NULL, -- what was in force: a built-in policy's name or the SHA-256 of a file, in hexadecimal
    sha256         TEXT COLLATE "C" NOT NULL CHECK (length(sha256) = 64),
    second_person  BOOLEAN NOT NULL, -- a change of this policy needs a second person
    sealed         BYTEA NOT NULL, -- SEALED: the policy's text, the reason
    decided_at     BIGINT,
    approver       TEXT COLLATE "C",
    enforced_at    BIGINT, -- when a relay last began to enforce it
    CHECK ((decided_at IS NULL) = (state IN ('proposed', 'adopted', 'changed')))
);
CREATE INDEX proposal_sha256 ON proposal (sha256);

-- What is in force, on every node that shares the store.
CREATE TABLE enforced (
    one  BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    what TEXT COLLATE "C" NOT NULL, -- as proposal.before
    at   BIGINT NOT NULL
);

-- What is forgotten is found by its age.
CREATE INDEX delivery_finished ON delivery (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX ticket_end ON ticket (expires_at);
CREATE INDEX delivered_end ON delivered (expires_at);
CREATE INDEX hold_ended ON hold (coalesce(decided_at, received_at)) WHERE blob IS NULL;

-- Deliveries that ended without reaching everybody, kept whole for an operator who may send them again.
CREATE TABLE dead_letter (
    id        TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES delivery (id),
    died_at   BIGINT NOT NULL,
    kek       TEXT COLLATE "C" NOT NULL,
    dek       BYTEA NOT NULL,
    progress  BYTEA NOT NULL, -- SEALED
    blob      TEXT COLLATE "C" NOT NULL
);
CREATE INDEX dead_letter_blob ON dead_letter (blob);
CREATE INDEX dead_letter_died ON dead_letter (died_at);

-- Retries and their end count from here when somebody began them anew.
ALTER TABLE delivery ADD COLUMN window_at BIGINT;
