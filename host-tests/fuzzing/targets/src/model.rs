//! Bytes for [`cedarkey_fuzzing::model`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cedarkey_fuzzing::model::run(bytes);
});
