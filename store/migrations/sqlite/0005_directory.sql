-- The address book: not part of the centre, an entry makes no new version of it. `body` is the whole entry, a document with the
-- fields of the API; the other columns are what entries are sorted and found by, empty where unset.
CREATE TABLE directory (
    id           BIGINT PRIMARY KEY,
    version      BIGINT NOT NULL,
    body         TEXT NOT NULL,
    external_id  TEXT NOT NULL,
    first_name   TEXT NOT NULL,
    last_name    TEXT NOT NULL,
    display_name TEXT NOT NULL,
    company      TEXT NOT NULL,
    department   TEXT NOT NULL,
    job_title    TEXT NOT NULL,
    phone        TEXT NOT NULL,
    mobile       TEXT NOT NULL,
    email        TEXT NOT NULL,
    vip          BIGINT NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX directory_by_external_id ON directory (external_id) WHERE external_id <> '';
CREATE INDEX directory_by_name ON directory (last_name, first_name, id);
-- A start reads these alone.
CREATE INDEX directory_vips ON directory (id) WHERE vip <> 0;
