-- What reports count, in clear and without a name: it stays when a hold's content ends, as long as the hold's row.
-- Times are microseconds since 1970 UTC.

ALTER TABLE hold ADD COLUMN school TEXT COLLATE "C";       -- id of the sender's school
ALTER TABLE hold ADD COLUMN sender_group TEXT COLLATE "C"; -- id of the group that the sender belongs to
ALTER TABLE hold ADD COLUMN sender BIGINT;    -- keyed hash (64 bits) of the sender's address: the same sender again
ALTER TABLE hold ADD COLUMN severity TEXT COLLATE "C";     -- of the gravest rule
ALTER TABLE hold ADD COLUMN people BIGINT;    -- how many people the findings are about
ALTER TABLE hold ADD COLUMN decided_as TEXT COLLATE "C" CHECK (decided_as IN ('released', 'refused'));
ALTER TABLE hold ADD COLUMN judgement TEXT COLLATE "C" CHECK (judgement IN ('right', 'wrong', 'partly'));
-- A purge takes the state of a decided hold; the ledger remembers the decision.
UPDATE hold SET decided_as = CASE
    WHEN state IN ('released', 'refused') THEN state
    ELSE (SELECT action FROM ledger WHERE ledger.subject = hold.id AND action IN ('released', 'refused') ORDER BY seq DESC LIMIT 1)
    END WHERE decided_at IS NOT NULL;
ALTER TABLE refusal ADD COLUMN school TEXT COLLATE "C";
ALTER TABLE refusal ADD COLUMN sender_group TEXT COLLATE "C";
ALTER TABLE refusal ADD COLUMN sender BIGINT;
ALTER TABLE refusal ADD COLUMN severity TEXT COLLATE "C";
ALTER TABLE refusal ADD COLUMN people BIGINT;
-- No covering index: its entries would be limited to 2,704 bytes, and a hold with many rules could not be kept. What reports count is
-- read once by a process along hold_by_time and refusal_at, and from then on as it changes.

-- Personal data breaches and the answers to their work-sheets (UK GDPR Art. 33 (5): every breach is documented). Nothing ends them but
-- a person.
CREATE TABLE incident (
    id         TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    opened_at  BIGINT NOT NULL,
    aware_at   BIGINT NOT NULL, -- when the trust became aware: the 72 hours count from here
    changed_at BIGINT NOT NULL,
    closed_at  BIGINT,
    version    BIGINT NOT NULL,
    school     TEXT COLLATE "C",
    holds      TEXT COLLATE "C" NOT NULL, -- ids of the holds and refusals it is about, as JSON
    sealed     BYTEA NOT NULL  -- SEALED under the store's own secret, bound to the id: the answers
);
CREATE INDEX incident_aware ON incident (aware_at, id);
