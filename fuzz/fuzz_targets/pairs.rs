//! Fuzzes [`taskwatcher_fuzz::pairs`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taskwatcher_fuzz::pairs(data));
