-- Mailboxes of the trust that forward to the outside by themselves. Both tokens are keyed hashes (16 bytes) of addresses; the addresses
-- stand in the column named SEALED, under the store's own secret and bound to both tokens.
CREATE TABLE forwarding (
    mailbox    BLOB NOT NULL CHECK (length(mailbox) = 16),
    target     BLOB NOT NULL CHECK (length(target) = 16),
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    marks      TEXT NOT NULL,
    notices    INTEGER NOT NULL, -- days for which a notice was asked for
    notice_day TEXT,          -- the last day for which a notice was asked for, by the trust's calendar
    addresses  BLOB NOT NULL, -- SEALED
    PRIMARY KEY (mailbox, target)
) STRICT;
CREATE INDEX forwarding_last ON forwarding (last_seen);

-- What is remembered of mail over time, as one sealed text.
CREATE TABLE habits (
    name  TEXT PRIMARY KEY NOT NULL,
    at    INTEGER NOT NULL,
    state BLOB NOT NULL -- SEALED
) STRICT;
