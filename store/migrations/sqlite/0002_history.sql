-- Read models, folded from the journal's events: see projection/. Times are UTC microseconds.
-- A row whose ended_us is missing is still being folded.
CREATE TABLE calls (
    id               BIGINT PRIMARY KEY,
    clock_us         BIGINT NOT NULL,
    direction        TEXT NOT NULL,
    caller_number    TEXT NOT NULL,
    caller_name      TEXT,
    called           TEXT NOT NULL,
    trunk            TEXT,
    started_by       TEXT,
    first_queue      TEXT,
    last_queue       TEXT,
    user_name        TEXT,
    started_us       BIGINT NOT NULL,
    queued_us        BIGINT,
    answered_us      BIGINT,
    alerted_us       BIGINT,
    connected_us     BIGINT,
    ended_us         BIGINT,
    waiting_since_us BIGINT,
    held_since_us    BIGINT,
    holds            BIGINT NOT NULL,
    waited_us        BIGINT NOT NULL,
    rung_us          BIGINT NOT NULL,
    talked_us        BIGINT NOT NULL,
    held_us          BIGINT NOT NULL,
    result           TEXT,
    sip_status       BIGINT,
    reason           TEXT,
    ended_by         TEXT,
    diverted_why     TEXT,
    diverted_to      TEXT
) WITHOUT ROWID;

CREATE INDEX calls_by_start ON calls (started_us, id);
CREATE INDEX calls_open ON calls (id) WHERE ended_us IS NULL;

CREATE TABLE legs (
    id          BIGINT PRIMARY KEY,
    call_id     BIGINT NOT NULL,
    role        TEXT NOT NULL,
    number      TEXT NOT NULL,
    trunk       TEXT,
    user_name   TEXT,
    started_us  BIGINT NOT NULL,
    ringing_us  BIGINT,
    answered_us BIGINT,
    ended_us    BIGINT,
    result      TEXT,
    sip_status  BIGINT,
    reason      TEXT
) WITHOUT ROWID;

CREATE INDEX legs_of_call ON legs (call_id, user_name);

CREATE TABLE alerts (
    call_id    BIGINT NOT NULL,
    id         BIGINT NOT NULL,
    agent      TEXT NOT NULL,
    queue      TEXT,
    started_us BIGINT NOT NULL,
    ended_us   BIGINT,
    outcome    TEXT,
    sip_status BIGINT,
    PRIMARY KEY (call_id, id)
) WITHOUT ROWID;

CREATE TABLE agent_sessions (
    id        BIGINT PRIMARY KEY,
    agent     TEXT NOT NULL,
    extension TEXT,
    began_us  BIGINT NOT NULL,
    ended_us  BIGINT
) WITHOUT ROWID;

CREATE INDEX agent_sessions_by_begin ON agent_sessions (began_us, id);

CREATE TABLE agent_states (
    id       BIGINT PRIMARY KEY,
    agent    TEXT NOT NULL,
    presence TEXT NOT NULL,
    activity TEXT NOT NULL,
    reason   TEXT,
    began_us BIGINT NOT NULL,
    ended_us BIGINT
) WITHOUT ROWID;

CREATE INDEX agent_states_by_begin ON agent_states (began_us, id);

-- How far the journal has been folded; changes in one transaction with the rows.
CREATE TABLE projections (
    name     TEXT PRIMARY KEY,
    last_seq BIGINT NOT NULL
) WITHOUT ROWID;

INSERT INTO projections (name, last_seq) VALUES ('history', 0);
