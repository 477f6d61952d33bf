-- One row per entry. The body is CBOR; its kind says which (engine::journal::Body::kind).
CREATE TABLE journal (
    seq            INTEGER PRIMARY KEY,
    node           BIGINT NOT NULL,
    incarnation    BIGINT NOT NULL,
    mono_us        BIGINT NOT NULL,
    utc_us         BIGINT NOT NULL,
    config_version BIGINT NOT NULL,
    rules_version  BIGINT NOT NULL,
    kind           BIGINT NOT NULL,
    body           BLOB NOT NULL
);

-- A restart looks for the last checkpoint, kind 10, and must not read the whole journal for it.
CREATE INDEX journal_checkpoints ON journal (seq) WHERE kind = 10;

-- Stretches of entries that were lost because queue and spill were full.
CREATE TABLE gaps (
    first_seq INTEGER PRIMARY KEY,
    last_seq  BIGINT NOT NULL,
    utc_us    BIGINT NOT NULL
);

-- `incarnation`: how often a daemon was started on it. `pruned_to`: the last number that is no longer kept.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
) WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('incarnation', 0), ('pruned_to', 0);
