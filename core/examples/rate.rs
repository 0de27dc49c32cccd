//! How fast this machine reads a log that is in memory: `rate FILE` prints GB/s, the median of nine.
//! `wasm/tests/measure-reader.mjs` compares the module with it.

use std::io;
use std::time::Instant;

use taskwatcher_core::Reader;

const PIECE: usize = 1 << 20;
const ROUNDS: usize = 9;

fn main() -> io::Result<()> {
    let Some(path) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("expected FILE"));
    };
    let log = std::fs::read(path)?;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let mut reader = Reader::new();
            let start = Instant::now();
            for piece in log.chunks(PIECE) {
                reader.push(piece, &mut ());
            }
            start.elapsed().as_secs_f64()
        })
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    // A log that fits into memory has far fewer than 2⁵³ bytes.
    #[expect(clippy::cast_precision_loss)]
    let bytes = log.len() as f64;
    println!("{:.2}", bytes / rounds[ROUNDS / 2] / 1e9);
    Ok(())
}
