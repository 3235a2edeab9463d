//! The queries that are the same in every database.

pub(super) const CHECK: &str = "SELECT name FROM bundles LIMIT 1";

pub(super) const LATEST: &str =
    "SELECT version, envelope FROM bundles WHERE name = $1 ORDER BY version DESC LIMIT 1";

pub(super) const VERSION: &str =
    "SELECT version, envelope FROM bundles WHERE name = $1 AND version = $2";

pub(super) const VERSIONS: &str =
    "SELECT version, pushed_at FROM bundles WHERE name = $1 ORDER BY version DESC";

pub(super) const NEWEST: &str = "SELECT name, max(version) FROM bundles GROUP BY name";

pub(super) const CURRENT: &str = "SELECT max(version) FROM bundles WHERE name = $1";

pub(super) const SEGMENT: &str = "SELECT content FROM segments WHERE digest = $1";

/// The length of an announced segment, and whether it is there: 1, or 0.
pub(super) const WANTED: &str = "\
    SELECT length, (SELECT count(*) FROM segments WHERE segments.digest = wanted.digest) \
    FROM wanted WHERE digest = $1 AND until > $2";

pub(super) const INSERT_SEGMENT: &str =
    "INSERT INTO segments (digest, content) VALUES ($1, $2) ON CONFLICT DO NOTHING";

pub(super) const INSERT_BUNDLE: &str =
    "INSERT INTO bundles (name, version, envelope, pushed_at) VALUES ($1, $2, $3, $4)";

/// What is beyond the newest so many versions. Its parts go with it.
pub(super) const DELETE_OLD: &str = "\
    DELETE FROM bundles WHERE name = $1 AND version NOT IN \
    (SELECT version FROM bundles WHERE name = $1 ORDER BY version DESC LIMIT $2)";

pub(super) const DELETE_UNWANTED: &str = "DELETE FROM wanted WHERE until <= $1";

/// At most as many as a publisher remembers.
pub(super) const FLEET: &str = "\
    SELECT node, filter, version, since, error, seen FROM fleet \
    WHERE bundle = $1 AND seen >= $2 ORDER BY seen DESC LIMIT 10000";

pub(super) const DELETE_FLEET: &str = "DELETE FROM fleet WHERE seen < $1";

pub(super) const FINDINGS: &str = "\
    SELECT id, hash, kind, url, source, received FROM findings WHERE bundle = $1 \
    ORDER BY id LIMIT $2";

pub(super) const COUNT_FINDINGS: &str = "SELECT count(*) FROM findings WHERE bundle = $1";

pub(super) const INSERT_DELIVERY: &str = "\
    INSERT INTO deliveries (bundle, digest, received) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

/// Those from before a time, and those beyond the newest so many.
pub(super) const FORGET_DELIVERIES: &str = "\
    DELETE FROM deliveries WHERE received < $1 \
    OR id <= (SELECT max(id) FROM deliveries) - $2";

pub(super) const USAGE: &str =
    "SELECT key, counts FROM key_usage WHERE bundle = $1 AND key > $2 ORDER BY key LIMIT $3";

pub(super) const USAGE_SINCE: &str = "SELECT since FROM usage_since WHERE bundle = $1";

pub(super) const PUT_USAGE_SINCE: &str =
    "INSERT INTO usage_since (bundle, since) VALUES ($1, $2) ON CONFLICT DO NOTHING";

pub(super) const USAGE_KEYS: &str = "SELECT count(*) FROM key_usage WHERE bundle = $1";

/// The keys of which something is known, and since when they are gone.
pub(super) const USAGE_PLACES: &str = "SELECT key, gone FROM key_usage WHERE bundle = $1";

pub(super) const REPORTER: &str =
    "SELECT sequence, written FROM usage_reporters WHERE bundle = $1 AND reporter = $2";

pub(super) const PUT_REPORTER: &str = "\
    INSERT INTO usage_reporters (bundle, reporter, sequence, written, seen) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bundle, reporter) DO UPDATE SET \
    sequence = excluded.sequence, written = excluded.written, seen = excluded.seen";

/// Those not heard of since a time, and all but so many of the others.
pub(super) const DELETE_REPORTERS: &str = "\
    DELETE FROM usage_reporters WHERE bundle = $1 AND (seen < $2 OR reporter NOT IN \
    (SELECT reporter FROM usage_reporters WHERE bundle = $1 ORDER BY seen DESC LIMIT 10000))";

/// Segments of which no version consists, and that nobody is about to push.
pub(super) const COLLECT: &str = "\
    DELETE FROM segments WHERE \
    NOT EXISTS (SELECT 1 FROM parts WHERE parts.digest = segments.digest) AND \
    NOT EXISTS (SELECT 1 FROM wanted WHERE wanted.digest = segments.digest)";
