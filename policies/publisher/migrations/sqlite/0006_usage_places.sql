-- Since when the bundle in force no longer holds the key, in seconds since 1970-01-01T00:00:00Z; 0
-- while it does. What is known of a key that is gone for long is removed.
ALTER TABLE key_usage ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

-- Keys are counted and looked through without what is known of them.
CREATE INDEX key_usage_places ON key_usage (bundle, gone, key);

-- Of a report that is not written down whole yet, the last key that is; empty where all of it is.
ALTER TABLE usage_reporters ADD COLUMN written TEXT NOT NULL DEFAULT '';
