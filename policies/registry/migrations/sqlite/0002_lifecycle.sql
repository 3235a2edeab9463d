-- The audit without hashes is kept under another name until it has been chained; see `store::chain`.
CREATE TABLE audit_unchained AS SELECT number, at, actor, action, key_id, reason FROM audit;
DROP TABLE audit;

CREATE TABLE keys_next (
    id           TEXT   PRIMARY KEY,
    name         TEXT   UNIQUE,
    hash         TEXT   NOT NULL UNIQUE,
    prefix       TEXT   NOT NULL,
    environment  TEXT   NOT NULL,
    owner        TEXT   NOT NULL CHECK (trim(owner) <> ''),
    purpose      TEXT   NOT NULL CHECK (trim(purpose) <> ''),
    team         TEXT,
    workload     TEXT,
    scopes       TEXT   NOT NULL,
    networks     TEXT   NOT NULL,
    spiffe_ids   TEXT   NOT NULL,
    labels       TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    not_before   BIGINT NOT NULL,
    expires      BIGINT,
    review_by    BIGINT,
    state        TEXT   NOT NULL
        CHECK (state IN ('active', 'denied', 'pending', 'retired', 'revoked', 'suspended')),
    since        BIGINT NOT NULL,
    reason       TEXT,
    requested_by TEXT,
    approver     TEXT,
    replaces     TEXT,
    replaced_by  TEXT,
    waiting      TEXT,
    CHECK (expires IS NULL OR expires > not_before),
    CHECK (state IN ('active', 'pending') OR trim(reason) <> '')
);

INSERT INTO keys_next
SELECT id, NULL, hash, prefix, environment, owner, purpose, team, workload, scopes, networks,
       '[]', '{}', created, not_before, expires, NULL,
       CASE WHEN revoked_at IS NULL THEN 'active' ELSE 'revoked' END,
       coalesce(revoked_at, created), revoke_reason, NULL, NULL, NULL, NULL,
       NULL
FROM keys;

DROP TABLE keys;
ALTER TABLE keys_next RENAME TO keys;

CREATE INDEX keys_owner ON keys (owner);
CREATE INDEX keys_workload ON keys (workload);

CREATE TRIGGER keys_are_never_deleted BEFORE DELETE ON keys
BEGIN SELECT raise(ABORT, 'keys are revoked, not deleted'); END;

-- Every change, for ever. Each entry holds the hash of the one before; see `audit::entry`.
CREATE TABLE audit (
    number   BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    actor    TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    key_id   TEXT,
    reason   TEXT   NOT NULL,
    was      TEXT,
    became   TEXT,
    previous TEXT   NOT NULL,
    hash     TEXT   NOT NULL
);

CREATE INDEX audit_key ON audit (key_id);

CREATE TRIGGER audit_keeps_what_it_has BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;

CREATE TRIGGER audit_loses_nothing BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;

-- The last entry once more: tells when entries are missing at the end, and lets writers take turns.
CREATE TABLE audit_head (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    hash   TEXT   NOT NULL
);

INSERT INTO audit_head
VALUES (1, 0, 0, '0000000000000000000000000000000000000000000000000000000000000000');
