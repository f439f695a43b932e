-- The life of a hold: claims, requests for a second person, legal holds, and the reasons given on the way.
INSERT INTO hold_state (name) VALUES ('claimed'), ('awaiting');

ALTER TABLE hold ADD COLUMN acted_by TEXT COLLATE "C"; -- who acted last
ALTER TABLE hold ADD COLUMN claimed_by TEXT COLLATE "C" CHECK ((claimed_by IS NULL) = (state <> 'claimed'));
ALTER TABLE hold ADD COLUMN claimed_until BIGINT CHECK ((claimed_until IS NULL) = (claimed_by IS NULL));
ALTER TABLE hold ADD COLUMN request BYTEA CHECK ((request IS NULL) = (state <> 'awaiting')); -- SEALED
ALTER TABLE hold ADD COLUMN legal_hold BYTEA CHECK (legal_hold IS NULL OR dek IS NOT NULL); -- SEALED
ALTER TABLE hold ADD COLUMN told BYTEA CHECK (told IS NULL OR dek IS NOT NULL); -- SEALED

-- A message that waits is found by what it is, whoever has it.
DROP INDEX hold_mark;
CREATE UNIQUE INDEX hold_mark ON hold (mark) WHERE state IN ('held', 'claimed', 'awaiting');

-- What was released by an encrypting route passes again by that route alone.
ALTER TABLE ticket ADD COLUMN encrypt BOOLEAN NOT NULL DEFAULT FALSE;
