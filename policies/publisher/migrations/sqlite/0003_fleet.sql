-- What each proxy last said of itself when it asked for a bundle.
CREATE TABLE fleet (
    bundle  TEXT    NOT NULL,
    node    TEXT    NOT NULL,
    filter  TEXT,
    version INTEGER,          -- of the bundle that it has in force
    since   INTEGER,          -- seconds since 1970-01-01T00:00:00Z
    error   TEXT,
    seen    INTEGER NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    PRIMARY KEY (bundle, node)
) STRICT, WITHOUT ROWID;
