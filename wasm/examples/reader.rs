//! The plain reader as a module, to measure what WebAssembly makes of it; see
//! `wasm/tests/measure-reader.mjs`.

use taskwatcher_core::Reader;
use wasm_bindgen::prelude::wasm_bindgen;

/// A reader whose findings nobody hears.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Reading(Reader);

#[wasm_bindgen]
impl Reading {
    /// A reader at the start of a log.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the same bytes, which are whole lines, so many times.
    pub fn push(&mut self, bytes: &[u8], times: u32) {
        for _ in 0..times {
            self.0.push(bytes, &mut ());
        }
    }

    /// How many keys have a value now.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.live()
    }
}
