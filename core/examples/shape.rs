//! Writes a log to measure with to standard output: `shape progress 100000000 > progress.log`.

#[path = "../benches/shapes/mod.rs"]
mod shapes;

use std::io::{self, Write};

use shapes::Shape;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let len = arguments.next().and_then(|len| len.parse().ok());
    let shape = Shape::ALL.into_iter().find(|shape| {
        let known = format!("{shape:?}");
        known.eq_ignore_ascii_case(&name)
    });
    let (Some(shape), Some(len)) = (shape, len) else {
        return Err(io::Error::other(format!(
            "expected SHAPE BYTES, SHAPE one of {:?}",
            Shape::ALL
        )));
    };
    io::stdout().lock().write_all(&shape.log(len))
}
