-- Lists of holds by what a reviewer asks for, each by its key and then by time, so that a page is read where it stands.
-- Times are microseconds since 1970 UTC.

-- Blind tokens: keyed hashes (80 bits) of addresses, domains and words. Deleted in the transaction that ends the hold's content.
CREATE TABLE hold_token (
    token       BYTEA NOT NULL CHECK (length(token) = 10),
    received_at BIGINT NOT NULL,
    hold        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (token, received_at, hold)
);

-- The same tokens beside the hold, one after the other, so that they can be deleted without a second index; NULL while they are not
-- made yet, and once the content is gone.
ALTER TABLE hold ADD COLUMN tokens BYTEA CHECK (tokens IS NULL OR blob IS NOT NULL);
CREATE INDEX hold_unindexed ON hold (received_at, id) WHERE tokens IS NULL AND blob IS NOT NULL;

-- Ids of rules and categories: no personal data; kept for reports when the content is gone, as long as the hold's row.
CREATE TABLE hold_rule (
    rule        TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    hold        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (rule, received_at, hold)
);
INSERT INTO hold_rule (rule, received_at, hold)
    SELECT DISTINCT listed.value, hold.received_at, hold.id FROM hold, jsonb_array_elements_text(hold.rules::jsonb) AS listed (value);

CREATE TABLE hold_category (
    category    TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    hold        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (category, received_at, hold)
);
INSERT INTO hold_category (category, received_at, hold)
    SELECT DISTINCT listed.value, hold.received_at, hold.id FROM hold, jsonb_array_elements_text(hold.categories::jsonb) AS listed (value);

-- The lists forget a hold with its row.
CREATE FUNCTION hold_unlist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hold_rule WHERE rule IN (SELECT jsonb_array_elements_text(OLD.rules::jsonb))
        AND received_at = OLD.received_at AND hold = OLD.id;
    DELETE FROM hold_category WHERE category IN (SELECT jsonb_array_elements_text(OLD.categories::jsonb))
        AND received_at = OLD.received_at AND hold = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER hold_unlisted AFTER DELETE ON hold FOR EACH ROW EXECUTE FUNCTION hold_unlist();
