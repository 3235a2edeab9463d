//! Bytes for [`cedarkey_fuzzing::decision`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cedarkey_fuzzing::decision::run(bytes);
});
