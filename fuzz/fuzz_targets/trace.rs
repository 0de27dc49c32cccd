//! Fuzzes [`taskwatcher_fuzz::trace`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taskwatcher_fuzz::trace(data));
