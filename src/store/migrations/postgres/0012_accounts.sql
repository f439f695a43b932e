-- Who may sign in, and what they have open. Names, addresses and labels are sealed under the store's own secret, bound to the row's id;
-- passwords are argon2id hashes and sealed too; of tokens only the SHA-256 is here. Times are microseconds since 1970 UTC.

CREATE TABLE account (
    id           TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('local', 'oidc')),
    login        BYTEA NOT NULL UNIQUE CHECK (length(login) = 32), -- keyed hash of kind and login
    disabled     BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL,
    signed_in_at BIGINT,
    version      BIGINT NOT NULL,
    sealed       BYTEA NOT NULL -- login, name, address, grants
);

CREATE TABLE credential (
    account   TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    totp_step BIGINT NOT NULL, -- the last step whose code was used
    sealed    BYTEA NOT NULL     -- password hash and secret of one-time codes
);

CREATE TABLE recovery (
    account TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    sha256  BYTEA NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (account, sha256)
);

CREATE TABLE session (
    token    BYTEA PRIMARY KEY NOT NULL CHECK (length(token) = 32), -- SHA-256
    id       TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(id) = 16),
    account  TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    method   TEXT COLLATE "C" NOT NULL,
    began_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL,
    ends_at  BIGINT NOT NULL,
    sealed   BYTEA NOT NULL -- the browser
);
CREATE INDEX session_account ON session (account, began_at);

CREATE TABLE api_token (
    token      BYTEA PRIMARY KEY NOT NULL CHECK (length(token) = 32), -- SHA-256
    id         TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(id) = 16),
    account    TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    scopes     TEXT COLLATE "C" NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    ends_at    BIGINT NOT NULL,
    sealed     BYTEA NOT NULL -- the label
);
CREATE INDEX api_token_account ON api_token (account, created_at);

CREATE TABLE saved_view (
    id         TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account    TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    sealed     BYTEA NOT NULL -- name and query
);
CREATE INDEX saved_view_account ON saved_view (account, created_at);
