//! Fuzzes [`taskwatcher_fuzz::reader`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taskwatcher_fuzz::reader(data));
