//! What is not the same in every database.

/// The statements that SQLite and PostgreSQL do not have in common.
#[derive(Debug)]
pub(super) struct Dialect {
    /// Begins a transaction that only one publisher is in at a time, while others read: of two
    /// pushes, one looks at what the other has written.
    pub(super) begin: &'static str,
    /// Begins a transaction that keeps nobody from pushing where it need not.
    pub(super) begin_beside: &'static str,
    /// Forgets findings: `$1` is an array of their ids, `$2` the bundle.
    pub(super) delete_findings: &'static str,
    /// Writes down what was found: `$1` is an array of objects with the names of the columns, but
    /// `type` for `kind`, `$2` the bundle, `$3` the time.
    pub(super) insert_findings: &'static str,
    /// Opens the segments of a manifest for upload: `$1` are the [`Refs`](super::Refs), `$2` until
    /// when.
    pub(super) insert_wanted: &'static str,
    /// Says what a version consists of: `$1` are the refs, `$2` the name, `$3` the version.
    pub(super) insert_parts: &'static str,
    /// Those of the refs `$1` that are not there.
    pub(super) missing: &'static str,
    /// Writes down what proxies said: `$1` is an array of objects with the names of the columns.
    pub(super) put_fleet: &'static str,
    /// Begins a transaction that only one publisher adds to usage in at a time, while others read.
    pub(super) begin_usage: &'static str,
    /// What is known of the use of keys: `$1` is the bundle, `$2` an array of keys.
    pub(super) usage_of: &'static str,
    /// Of which of them something is known: `$1` is the bundle, `$2` an array of keys.
    pub(super) usage_keys_of: &'static str,
    /// Writes it down: `$1` is the bundle, `$2` an array of pairs, `$3` when.
    pub(super) put_usage: &'static str,
    /// Says since when keys are gone: `$1` is the bundle, `$2` an array of keys, `$3` since when.
    pub(super) mark_usage: &'static str,
    /// Forgets keys: `$1` is the bundle, `$2` an array of them.
    pub(super) forget_usage: &'static str,
}

pub(super) static SQLITE: Dialect = Dialect {
    begin: "BEGIN IMMEDIATE",
    begin_beside: "BEGIN IMMEDIATE",
    delete_findings: "\
        DELETE FROM findings WHERE id IN (SELECT value FROM json_each($1)) AND bundle = $2",
    insert_findings: "\
        INSERT INTO findings (bundle, hash, kind, url, source, received) \
        SELECT $2, unhex(value ->> 'hash'), value ->> 'type', value ->> 'url', value ->> 'source', \
        $3 FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING",
    insert_wanted: "\
        INSERT INTO wanted (digest, length, until) \
        SELECT unhex(value ->> 0), value ->> 1, $2 FROM json_each($1) WHERE TRUE \
        ON CONFLICT (digest) DO UPDATE SET until = excluded.until",
    insert_parts: "\
        INSERT INTO parts (name, version, digest) \
        SELECT $2, $3, unhex(value ->> 0) FROM json_each($1)",
    missing: "\
        SELECT unhex(value ->> 0) FROM json_each($1) WHERE NOT EXISTS \
        (SELECT 1 FROM segments WHERE digest = unhex(value ->> 0))",
    put_fleet: "\
        INSERT INTO fleet (bundle, node, filter, version, since, error, seen) \
        SELECT value ->> 'bundle', value ->> 'node', value ->> 'filter', value ->> 'version', \
        value ->> 'since', value ->> 'error', value ->> 'seen' FROM json_each($1) WHERE TRUE \
        ON CONFLICT (bundle, node) DO UPDATE SET filter = excluded.filter, \
        version = excluded.version, since = excluded.since, error = excluded.error, \
        seen = excluded.seen WHERE excluded.seen >= fleet.seen",
    begin_usage: "BEGIN IMMEDIATE",
    usage_of: "\
        SELECT key, counts FROM key_usage WHERE bundle = $1 AND \
        key IN (SELECT value FROM json_each($2))",
    usage_keys_of: "\
        SELECT key FROM key_usage WHERE bundle = $1 AND key IN (SELECT value FROM json_each($2))",
    put_usage: "\
        INSERT INTO key_usage (bundle, key, counts, seen) \
        SELECT $1, value ->> 0, value ->> 1, $3 FROM json_each($2) WHERE TRUE \
        ON CONFLICT (bundle, key) DO UPDATE SET counts = excluded.counts, seen = excluded.seen",
    mark_usage: "\
        UPDATE key_usage SET gone = $3 WHERE bundle = $1 AND \
        key IN (SELECT value FROM json_each($2))",
    forget_usage: "\
        DELETE FROM key_usage WHERE bundle = $1 AND key IN (SELECT value FROM json_each($2))",
};

pub(super) static POSTGRES: Dialect = Dialect {
    begin: "BEGIN; LOCK TABLE bundles IN SHARE ROW EXCLUSIVE MODE",
    begin_beside: "BEGIN",
    delete_findings: "\
        DELETE FROM findings WHERE id IN \
        (SELECT value::bigint FROM json_array_elements_text($1::json)) AND bundle = $2",
    insert_findings: "\
        INSERT INTO findings (bundle, hash, kind, url, source, received) \
        SELECT $2, decode(value ->> 'hash', 'hex'), value ->> 'type', value ->> 'url', \
        value ->> 'source', $3 FROM json_array_elements($1::json) AS t (value) \
        ON CONFLICT DO NOTHING",
    insert_wanted: "\
        INSERT INTO wanted (digest, length, until) \
        SELECT decode(value ->> 0, 'hex'), (value ->> 1)::bigint, $2 \
        FROM json_array_elements($1::json) AS t (value) \
        ON CONFLICT (digest) DO UPDATE SET until = excluded.until",
    insert_parts: "\
        INSERT INTO parts (name, version, digest) \
        SELECT $2, $3, decode(value ->> 0, 'hex') FROM json_array_elements($1::json) AS t (value)",
    missing: "\
        SELECT decode(value ->> 0, 'hex') FROM json_array_elements($1::json) AS t (value) \
        WHERE NOT EXISTS \
        (SELECT 1 FROM segments WHERE digest = decode(value ->> 0, 'hex'))",
    put_fleet: "\
        INSERT INTO fleet (bundle, node, filter, version, since, error, seen) \
        SELECT value ->> 'bundle', value ->> 'node', value ->> 'filter', \
        (value ->> 'version')::bigint, (value ->> 'since')::bigint, value ->> 'error', \
        (value ->> 'seen')::bigint FROM json_array_elements($1::json) AS t (value) \
        ON CONFLICT (bundle, node) DO UPDATE SET filter = excluded.filter, \
        version = excluded.version, since = excluded.since, error = excluded.error, \
        seen = excluded.seen WHERE excluded.seen >= fleet.seen",
    begin_usage: "BEGIN; LOCK TABLE key_usage IN SHARE ROW EXCLUSIVE MODE",
    usage_of: "\
        SELECT key, counts FROM key_usage WHERE bundle = $1 AND \
        key IN (SELECT json_array_elements_text($2::json))",
    usage_keys_of: "\
        SELECT key FROM key_usage WHERE bundle = $1 AND \
        key IN (SELECT json_array_elements_text($2::json))",
    put_usage: "\
        INSERT INTO key_usage (bundle, key, counts, seen) \
        SELECT $1, value ->> 0, value ->> 1, $3 FROM json_array_elements($2::json) AS t (value) \
        ON CONFLICT (bundle, key) DO UPDATE SET counts = excluded.counts, seen = excluded.seen",
    mark_usage: "\
        UPDATE key_usage SET gone = $3 WHERE bundle = $1 AND \
        key IN (SELECT json_array_elements_text($2::json))",
    forget_usage: "\
        DELETE FROM key_usage WHERE bundle = $1 AND \
        key IN (SELECT json_array_elements_text($2::json))",
};
