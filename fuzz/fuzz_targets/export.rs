//! Fuzzes [`taskwatcher_fuzz::export`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taskwatcher_fuzz::export(data));
