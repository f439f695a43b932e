-- What notices must remember. No personal data: people and mailboxes are keyed hashes of 16 bytes, roles and rules are ids of the policy.

-- What has been told once and is not told again until then: a message, a mailbox and target on a day.
CREATE TABLE notice_mark (
    mark       BLOB PRIMARY KEY NOT NULL CHECK (length(mark) = 16),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When notices went out at once, to hold to the limits of an hour.
CREATE TABLE notice_sent (
    scope BLOB NOT NULL CHECK (length(scope) = 16), -- keyed hash of a role or a sender
    at    INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_sent_scope ON notice_sent (scope, at);
CREATE INDEX notice_sent_at ON notice_sent (at);

-- What waits for a role's digest, counted.
CREATE TABLE notice_pending (
    role    TEXT NOT NULL,
    rule    TEXT NOT NULL,
    outcome TEXT NOT NULL,
    number  INTEGER NOT NULL CHECK (number > 0),
    PRIMARY KEY (role, rule, outcome)
) STRICT, WITHOUT ROWID;

-- The day of each role's last digest, as 2026-11-28.
CREATE TABLE notice_digest (
    role TEXT PRIMARY KEY NOT NULL,
    day  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Holds that a further role is told of unless they are decided by then.
CREATE TABLE notice_escalation (
    hold    TEXT NOT NULL REFERENCES hold (id),
    role    TEXT NOT NULL,
    rule    TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    due_at  INTEGER NOT NULL,
    PRIMARY KEY (hold, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_escalation_due ON notice_escalation (due_at);
