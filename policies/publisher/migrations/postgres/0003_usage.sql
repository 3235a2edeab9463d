-- What proxies have counted of each key.
CREATE TABLE key_usage (
    bundle TEXT   NOT NULL,
    key    TEXT   NOT NULL,
    counts TEXT   NOT NULL, -- JSON, as GET /v1/bundles/{name}/usage gives it
    seen   BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    PRIMARY KEY (bundle, key)
);

-- The last report of each reporter, so that none counts twice.
CREATE TABLE usage_reporters (
    bundle   TEXT   NOT NULL,
    reporter TEXT   NOT NULL,
    sequence BIGINT NOT NULL,
    seen     BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    PRIMARY KEY (bundle, reporter)
);

-- Since when reports have come: what was used before is not known.
CREATE TABLE usage_since (
    bundle TEXT   NOT NULL PRIMARY KEY,
    since  BIGINT NOT NULL -- seconds since 1970-01-01T00:00:00Z
);
