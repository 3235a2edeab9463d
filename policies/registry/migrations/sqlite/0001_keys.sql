-- "ckrg": tells a registry from the databases of other programs.
PRAGMA application_id = 1667986023;

CREATE TABLE keys (
    id            TEXT    PRIMARY KEY,
    hash          TEXT    NOT NULL UNIQUE,
    prefix        TEXT    NOT NULL,
    environment   TEXT    NOT NULL,
    owner         TEXT    NOT NULL CHECK (trim(owner) <> ''),
    purpose       TEXT    NOT NULL CHECK (trim(purpose) <> ''),
    team          TEXT,
    workload      TEXT,
    scopes        TEXT    NOT NULL,
    networks      TEXT    NOT NULL,
    created       BIGINT  NOT NULL,
    not_before    BIGINT  NOT NULL,
    expires       BIGINT,
    revoked_at    BIGINT,
    revoke_reason TEXT,
    CHECK (expires IS NULL OR expires > not_before),
    CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
);

CREATE INDEX keys_owner ON keys (owner);

-- Every change, for ever.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     BIGINT  NOT NULL,
    actor  TEXT    NOT NULL,
    action TEXT    NOT NULL,
    key_id TEXT    NOT NULL REFERENCES keys (id),
    reason TEXT    NOT NULL
);

CREATE TRIGGER audit_keeps_what_it_has BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;

CREATE TRIGGER audit_loses_nothing BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;

CREATE TRIGGER keys_are_never_deleted BEFORE DELETE ON keys
BEGIN SELECT raise(ABORT, 'keys are revoked, not deleted'); END;
