//! The feedback file as programs treat it: like the known producer, and in every other way.
//!
//! The known producer starts the file with a comment that holds the date, and for every update
//! opens the file, appends one line and closes it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::poll::{PollTimeout, poll};

type Answer = Result<String, Box<dyn std::error::Error>>;

/// The feedback file of this process.
pub(crate) struct Feedback {
    path: Option<PathBuf>,
    begun: bool,
}

impl Feedback {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self { path, begun: false }
    }

    /// Does a command about the file; the answer is the time of the change in unix milliseconds.
    pub(crate) fn obey(&mut self, verb: &str, rest: &str) -> Answer {
        let path = self.path.clone().ok_or("no feedback file was given")?;
        match verb {
            "say" => self.update(&path, rest)?,
            "beats" => self.beats(&path, rest)?,
            "raw" => append(&path, rest)?,
            "rewrite" => fs::write(&path, format!("{rest}\n"))?,
            "replace" => {
                let fresh = path.with_extension("new");
                fs::write(&fresh, format!("{rest}\n"))?;
                fs::rename(&fresh, &path)?;
            }
            "truncate" => drop(File::create(&path)?),
            "remove" => fs::remove_file(&path)?,
            _ => return Err(format!("unknown command {verb}").into()),
        }
        Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)?
            .as_millis()
            .to_string())
    }

    fn update(&mut self, path: &Path, line: &str) -> std::io::Result<()> {
        if !self.begun {
            self.begun = true;
            append(path, &format!("# {}\n", jiff::Timestamp::now()))?;
        }
        append(path, &format!("{line}\n"))
    }

    fn beats(&mut self, path: &Path, rest: &str) -> Result<(), Box<dyn std::error::Error>> {
        let (count, rate) = rest.split_once(' ').ok_or("beats COUNT RATE")?;
        let (count, rate): (u32, u32) = (count.parse()?, rate.parse()?);
        let start = Instant::now();
        for beat in 0..count {
            let due = Duration::from_secs(1) * beat / rate;
            let left = due.saturating_sub(start.elapsed()).as_millis();
            // The pace is this program's behaviour, not a test's way of waiting.
            poll(&mut [], PollTimeout::try_from(left)?)?;
            self.update(path, &format!("[heartbeat]{beat}"))?;
        }
        Ok(())
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}
