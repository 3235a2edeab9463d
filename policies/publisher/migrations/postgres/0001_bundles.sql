-- The same tables as in SQLite, in a schema of their own: see `store/open.rs`.

-- One row per accepted push. The newest is served; the others say what was in force and when.
CREATE TABLE bundles (
    name      TEXT   NOT NULL,
    version   BIGINT NOT NULL CHECK (version >= 0),
    envelope  BYTEA  NOT NULL,
    pushed_at BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    PRIMARY KEY (name, version)
);

-- Content-addressed: bundles that have a segment in common share its row.
CREATE TABLE segments (
    digest  BYTEA NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    content BYTEA NOT NULL
);

-- Digests and compiled policies do not compress well enough to be worth the time.
ALTER TABLE segments ALTER COLUMN content SET STORAGE EXTERNAL;

-- Which segments a kept version consists of.
CREATE TABLE parts (
    name    TEXT   NOT NULL,
    version BIGINT NOT NULL,
    digest  BYTEA  NOT NULL REFERENCES segments (digest),
    PRIMARY KEY (name, version, digest),
    FOREIGN KEY (name, version) REFERENCES bundles (name, version) ON DELETE CASCADE
);

CREATE INDEX parts_by_digest ON parts (digest);

-- The segments of envelopes that were announced by one who may push them: these may be uploaded,
-- and are not collected, until a time.
CREATE TABLE wanted (
    digest BYTEA  NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    length BIGINT NOT NULL, -- bytes
    until  BIGINT NOT NULL  -- seconds since 1970-01-01T00:00:00Z
);

-- Every publisher over this database hears of a push when it is committed.
CREATE FUNCTION notify_pushed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cedarkey_pushed', NEW.name);
    RETURN NULL;
END
$$;

CREATE TRIGGER bundles_pushed AFTER INSERT ON bundles
    FOR EACH ROW EXECUTE FUNCTION notify_pushed();
