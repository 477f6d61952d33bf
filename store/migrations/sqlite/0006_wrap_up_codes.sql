-- What agents said of calls; a call may get its code, or lose it, after its end. Without `code` it has none any more.
CREATE TABLE codes (
    call_id  BIGINT PRIMARY KEY,
    coded_by TEXT NOT NULL,
    category TEXT,
    code     TEXT,
    text     TEXT,
    coded_us BIGINT NOT NULL
) WITHOUT ROWID;
