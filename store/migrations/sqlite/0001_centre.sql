-- The centre: every resource a document with the fields of the API.
CREATE TABLE resources (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    body    TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

CREATE TABLE centre (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
) WITHOUT ROWID;

INSERT INTO centre (id, version) VALUES (1, 0);

-- Who changed what; before and after without secrets.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    utc_us      BIGINT NOT NULL,
    who         TEXT NOT NULL,
    version     BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    what        TEXT NOT NULL,
    before_body TEXT,
    after_body  TEXT
);

CREATE TABLE accounts (
    username             TEXT PRIMARY KEY,
    failed_logins        BIGINT NOT NULL DEFAULT 0,
    locked_us            BIGINT,
    must_change_password BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Of a token only its SHA-256 is kept.
CREATE TABLE tokens (
    hash         BLOB PRIMARY KEY,
    username     TEXT NOT NULL,
    created_us   BIGINT NOT NULL,
    expires_us   BIGINT NOT NULL,
    last_used_us BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX tokens_of_user ON tokens (username);

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
