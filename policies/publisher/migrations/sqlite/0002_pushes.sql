-- Which segments a kept version consists of. Versions from before this table are entered when the
-- database is opened.
CREATE TABLE parts (
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    digest  BLOB    NOT NULL REFERENCES segments (digest),
    PRIMARY KEY (name, version, digest),
    FOREIGN KEY (name, version) REFERENCES bundles (name, version) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX parts_by_digest ON parts (digest);

-- The segments of envelopes that were announced by one who may push them: these may be uploaded,
-- and are not collected, until a time.
CREATE TABLE wanted (
    digest BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    length INTEGER NOT NULL, -- bytes
    until  INTEGER NOT NULL  -- seconds since 1970-01-01T00:00:00Z
) STRICT, WITHOUT ROWID;
