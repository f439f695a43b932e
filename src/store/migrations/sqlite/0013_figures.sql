-- What reports count, in clear and without a name: it stays when a hold's content ends, as long as the hold's row.
-- Times are microseconds since 1970 UTC.

ALTER TABLE hold ADD COLUMN school TEXT;       -- id of the sender's school
ALTER TABLE hold ADD COLUMN sender_group TEXT; -- id of the group that the sender belongs to
ALTER TABLE hold ADD COLUMN sender INTEGER;    -- keyed hash (64 bits) of the sender's address: the same sender again
ALTER TABLE hold ADD COLUMN severity TEXT;     -- of the gravest rule
ALTER TABLE hold ADD COLUMN people INTEGER;    -- how many people the findings are about
ALTER TABLE hold ADD COLUMN decided_as TEXT CHECK (decided_as IN ('released', 'refused'));
ALTER TABLE hold ADD COLUMN judgement TEXT CHECK (judgement IN ('right', 'wrong', 'partly'));
-- A purge takes the state of a decided hold; the ledger remembers the decision.
UPDATE hold SET decided_as = CASE
    WHEN state IN ('released', 'refused') THEN state
    ELSE (SELECT action FROM ledger WHERE ledger.subject = hold.id AND action IN ('released', 'refused') ORDER BY seq DESC LIMIT 1)
    END WHERE decided_at IS NOT NULL;
-- Reports read this and never the rows, which carry sealed text.
CREATE INDEX hold_figures ON hold (
    received_at, id, state, decided_at, decided_as, judgement, severity, people, school, sender_group, sender, rules, categories);

ALTER TABLE refusal ADD COLUMN school TEXT;
ALTER TABLE refusal ADD COLUMN sender_group TEXT;
ALTER TABLE refusal ADD COLUMN sender INTEGER;
ALTER TABLE refusal ADD COLUMN severity TEXT;
ALTER TABLE refusal ADD COLUMN people INTEGER;
CREATE INDEX refusal_figures ON refusal (at, id, severity, people, school, sender_group, sender, rules, categories);

-- Personal data breaches and the answers to their work-sheets (UK GDPR Art. 33 (5): every breach is documented). Nothing ends them but
-- a person.
CREATE TABLE incident (
    id         TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    opened_at  INTEGER NOT NULL,
    aware_at   INTEGER NOT NULL, -- when the trust became aware: the 72 hours count from here
    changed_at INTEGER NOT NULL,
    closed_at  INTEGER,
    version    INTEGER NOT NULL,
    school     TEXT,
    holds      TEXT NOT NULL, -- ids of the holds and refusals it is about, as JSON
    sealed     BLOB NOT NULL  -- SEALED under the store's own secret, bound to the id: the answers
) STRICT;
CREATE INDEX incident_aware ON incident (aware_at, id);
