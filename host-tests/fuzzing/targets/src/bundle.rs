//! Bytes for [`cedarkey_fuzzing::bundle`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cedarkey_fuzzing::bundle::run(bytes);
});
