//! Reads a log in pieces and prints its values, to be timed against other programs: `read FILE`.

use std::fs::File;
use std::io::{self, Read};

use taskwatcher_core::Reader;

fn main() -> io::Result<()> {
    let Some(path) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("expected FILE"));
    };
    let mut file = File::open(path)?;
    let mut piece = vec![0; 256 << 10];
    let mut reader = Reader::new();
    loop {
        let len = file.read(&mut piece)?;
        if len == 0 {
            break;
        }
        reader.push(&piece[..len], &mut ());
    }
    println!("{}", reader.finish(&mut ()).to_json());
    Ok(())
}
