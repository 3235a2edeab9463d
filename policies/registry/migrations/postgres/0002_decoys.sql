-- Whether a key is a decoy, which is never granted.
ALTER TABLE keys ADD COLUMN decoy BIGINT NOT NULL DEFAULT 0 CHECK (decoy IN (0, 1));
