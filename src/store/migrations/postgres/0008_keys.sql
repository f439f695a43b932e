-- Master keys: which there have been, and which nothing may be wrapped under any more. The keys themselves are never here.
-- Times are microseconds since 1970 UTC.

CREATE TABLE master_key (
    id         TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    added_at   BIGINT NOT NULL, -- when it was first seen
    dropped_at BIGINT           -- NULL while it may be used
);

-- Which rows are wrapped under a key, and since when the oldest.
CREATE INDEX hold_kek ON hold (kek, received_at) WHERE kek IS NOT NULL;
CREATE INDEX delivery_kek ON delivery (kek, created_at) WHERE kek IS NOT NULL;

-- A relay that has not yet noticed that its key was dropped must not lose what it takes in meanwhile.
CREATE FUNCTION kek_is_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'INSERT' OR NEW.kek IS DISTINCT FROM OLD.kek)
       AND EXISTS (SELECT 1 FROM master_key WHERE id = NEW.kek AND dropped_at IS NOT NULL) THEN
        RAISE EXCEPTION 'wrapped under a master key that was dropped';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_kek_in_use BEFORE INSERT OR UPDATE OF kek ON hold FOR EACH ROW EXECUTE FUNCTION kek_is_in_use();
CREATE TRIGGER delivery_kek_in_use BEFORE INSERT OR UPDATE OF kek ON delivery FOR EACH ROW EXECUTE FUNCTION kek_is_in_use();
CREATE TRIGGER dead_letter_kek_in_use BEFORE INSERT OR UPDATE OF kek ON dead_letter FOR EACH ROW EXECUTE FUNCTION kek_is_in_use();
CREATE TRIGGER keyring_kek_in_use BEFORE INSERT OR UPDATE OF kek ON keyring FOR EACH ROW EXECUTE FUNCTION kek_is_in_use();
