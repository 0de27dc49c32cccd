//! Fuzzes [`taskwatcher_fuzz::line`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taskwatcher_fuzz::line(data));
