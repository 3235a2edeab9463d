-- Leaked tokens that were found and that nobody has answered yet. Of a token, only its SHA-256.
CREATE TABLE findings (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bundle   TEXT   NOT NULL,
    hash     BYTEA  NOT NULL CHECK (length(hash) = 32),
    kind     TEXT   NOT NULL,
    url      TEXT   NOT NULL,
    source   TEXT   NOT NULL,
    received BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    UNIQUE (bundle, hash, url)
);

-- What was delivered, so that what is delivered again is known.
CREATE TABLE deliveries (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bundle   TEXT   NOT NULL,
    digest   BYTEA  NOT NULL CHECK (length(digest) = 32), -- of the body
    received BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    UNIQUE (bundle, digest)
);
