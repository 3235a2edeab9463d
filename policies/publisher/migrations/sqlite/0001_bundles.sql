-- "ckpb": tells this database from every other that SQLite might be pointed at.
PRAGMA application_id = 1667985506;

-- One row per accepted push. The newest is served; the others say what was in force and when.
CREATE TABLE bundles (
    name      TEXT    NOT NULL,
    version   INTEGER NOT NULL CHECK (version >= 0),
    envelope  BLOB    NOT NULL,
    pushed_at INTEGER NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    PRIMARY KEY (name, version)
) STRICT;

-- Content-addressed: bundles that have a segment in common share its row.
CREATE TABLE segments (
    digest  BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    content BLOB NOT NULL
) STRICT;
