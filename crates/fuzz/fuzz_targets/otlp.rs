#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| adtally_fuzz::core::otlp(bytes));
