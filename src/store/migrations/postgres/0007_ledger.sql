-- Format 2 chains a salted hash in the place of a person's name, so that the name can be erased and the chain still holds. Entries
-- from before keep format 1, whose actor is chained in clear.
ALTER TABLE ledger ADD COLUMN format BIGINT NOT NULL DEFAULT 1;
ALTER TABLE ledger ADD COLUMN person BYTEA CHECK (person IS NULL OR length(person) = 32);
CREATE INDEX ledger_action ON ledger (action);
CREATE INDEX ledger_subject ON ledger (subject) WHERE subject <> '';

-- Who acted. person = SHA-256(salt, actor). Rows go when a person's name is erased; they never change.
CREATE TABLE ledger_person (
    seq   BIGINT PRIMARY KEY NOT NULL,
    salt  BYTEA NOT NULL CHECK (length(salt) = 16),
    actor TEXT COLLATE "C" NOT NULL
);
CREATE INDEX ledger_person_actor ON ledger_person (actor);

-- Heads of the chain that were signed; the note is the whole checkpoint with its signature.
CREATE TABLE checkpoint (
    seq  BIGINT PRIMARY KEY NOT NULL CHECK (seq > 0),
    at   BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    note TEXT COLLATE "C" NOT NULL
);
CREATE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what belongs to the ledger does not change';
END $$;
CREATE TRIGGER ledger_person_no_update BEFORE UPDATE ON ledger_person FOR EACH ROW EXECUTE FUNCTION ledger_stays();
CREATE TRIGGER checkpoint_no_change BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION ledger_stays();
CREATE TRIGGER checkpoint_not_emptied BEFORE TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION ledger_stays();
