-- Who may sign in, and what they have open. Names, addresses and labels are sealed under the store's own secret, bound to the row's id;
-- passwords are argon2id hashes and sealed too; of tokens only the SHA-256 is here. Times are microseconds since 1970 UTC.

CREATE TABLE account (
    id           TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind         TEXT NOT NULL CHECK (kind IN ('local', 'oidc')),
    login        BLOB NOT NULL UNIQUE CHECK (length(login) = 32), -- keyed hash of kind and login
    disabled     INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at   INTEGER NOT NULL,
    signed_in_at INTEGER,
    version      INTEGER NOT NULL,
    sealed       BLOB NOT NULL -- login, name, address, grants
) STRICT;

CREATE TABLE credential (
    account   TEXT PRIMARY KEY NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    totp_step INTEGER NOT NULL, -- the last step whose code was used
    sealed    BLOB NOT NULL     -- password hash and secret of one-time codes
) STRICT;

CREATE TABLE recovery (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (account, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    token    BLOB PRIMARY KEY NOT NULL CHECK (length(token) = 32), -- SHA-256
    id       TEXT NOT NULL UNIQUE CHECK (length(id) = 16),
    account  TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    method   TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    ends_at  INTEGER NOT NULL,
    sealed   BLOB NOT NULL -- the browser
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account, began_at);

CREATE TABLE api_token (
    token      BLOB PRIMARY KEY NOT NULL CHECK (length(token) = 32), -- SHA-256
    id         TEXT NOT NULL UNIQUE CHECK (length(id) = 16),
    account    TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    scopes     TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    ends_at    INTEGER NOT NULL,
    sealed     BLOB NOT NULL -- the label
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_account ON api_token (account, created_at);

CREATE TABLE saved_view (
    id         TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account    TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    sealed     BLOB NOT NULL -- name and query
) STRICT;
CREATE INDEX saved_view_account ON saved_view (account, created_at);
