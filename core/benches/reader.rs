//! How fast logs of different shapes are read: `cargo bench -p taskwatcher-core`.

mod shapes;

use divan::Bencher;
use divan::counter::BytesCount;
use taskwatcher_core::{Problems, Reader};

use shapes::Shape;

/// Large enough to be far out of the caches with the pieces of a real read.
const LOG: usize = 16 << 20;
const PIECE: usize = 256 << 10;

fn main() {
    divan::main();
}

#[divan::bench(args = Shape::ALL, sample_count = 20)]
fn values_only(bencher: Bencher, shape: Shape) {
    let log = shape.log(LOG);
    bencher.counter(BytesCount::of_slice(&log)).bench_local(|| {
        let mut reader = Reader::new();
        for piece in log.chunks(PIECE) {
            reader.push(piece, &mut ());
        }
        reader.finish(&mut ())
    });
}

#[divan::bench(args = Shape::ALL, sample_count = 20)]
fn with_diagnostics(bencher: Bencher, shape: Shape) {
    let log = shape.log(LOG);
    bencher.counter(BytesCount::of_slice(&log)).bench_local(|| {
        let mut problems = Problems::new(1000);
        let mut reader = Reader::new();
        for piece in log.chunks(PIECE) {
            reader.push(piece, &mut problems);
        }
        (reader.finish(&mut problems), problems)
    });
}

/// A portal that polls many small logs pays for the start of a reader each time.
#[divan::bench]
fn eleven_lines(bencher: Bencher) {
    let log = Shape::Progress.log(180);
    bencher.bench_local(|| {
        let mut reader = Reader::new();
        reader.push(divan::black_box(&log), &mut ());
        reader.finish(&mut ())
    });
}
