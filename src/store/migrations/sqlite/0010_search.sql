-- Lists of holds by what a reviewer asks for, each clustered by its key and then by time, so that a page is read where it stands.
-- Times are microseconds since 1970 UTC.

-- Blind tokens: keyed hashes (80 bits) of addresses, domains and words. Deleted in the transaction that ends the hold's content.
CREATE TABLE hold_token (
    token       BLOB NOT NULL CHECK (length(token) = 10),
    received_at INTEGER NOT NULL,
    hold        TEXT NOT NULL,
    PRIMARY KEY (token, received_at, hold)
) STRICT, WITHOUT ROWID;

-- The same tokens beside the hold, one after the other, so that they can be deleted without a second index; NULL while they are not
-- made yet, and once the content is gone.
ALTER TABLE hold ADD COLUMN tokens BLOB CHECK (tokens IS NULL OR blob IS NOT NULL);
CREATE INDEX hold_unindexed ON hold (received_at, id) WHERE tokens IS NULL AND blob IS NOT NULL;

-- Ids of rules and categories: no personal data; kept for reports when the content is gone, as long as the hold's row.
CREATE TABLE hold_rule (
    rule        TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    hold        TEXT NOT NULL,
    PRIMARY KEY (rule, received_at, hold)
) STRICT, WITHOUT ROWID;
INSERT INTO hold_rule (rule, received_at, hold)
    SELECT DISTINCT listed.value, hold.received_at, hold.id FROM hold, json_each(hold.rules) AS listed ORDER BY 1, 2, 3;

CREATE TABLE hold_category (
    category    TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    hold        TEXT NOT NULL,
    PRIMARY KEY (category, received_at, hold)
) STRICT, WITHOUT ROWID;
INSERT INTO hold_category (category, received_at, hold)
    SELECT DISTINCT listed.value, hold.received_at, hold.id FROM hold, json_each(hold.categories) AS listed ORDER BY 1, 2, 3;

-- How many holds are in each state. Kept by triggers, so that no way of changing a state can forget it.
CREATE TABLE hold_count (
    state  TEXT PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO hold_count (state, number) SELECT state, count(*) FROM hold GROUP BY state;
CREATE TRIGGER hold_counted AFTER INSERT ON hold
BEGIN
    INSERT INTO hold_count (state, number) VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER hold_recounted AFTER UPDATE OF state ON hold WHEN OLD.state IS NOT NEW.state
BEGIN
    UPDATE hold_count SET number = number - 1 WHERE state = OLD.state;
    INSERT INTO hold_count (state, number) VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER hold_uncounted AFTER DELETE ON hold
BEGIN
    UPDATE hold_count SET number = number - 1 WHERE state = OLD.state;
    DELETE FROM hold_rule
        WHERE rule IN (SELECT value FROM json_each(OLD.rules)) AND received_at = OLD.received_at AND hold = OLD.id;
    DELETE FROM hold_category
        WHERE category IN (SELECT value FROM json_each(OLD.categories)) AND received_at = OLD.received_at AND hold = OLD.id;
END;
