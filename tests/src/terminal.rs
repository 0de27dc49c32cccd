//! A pseudo terminal, for what only shows on one: foreground groups, widths, made-visible control characters.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use nix::pty::{Winsize, openpty};
use nix::unistd::ttyname;

use crate::process::Process;
use crate::wait::{Deadline, first_readable, readable};

/// The test's end of a terminal; programs get its [`path`](Terminal::path).
pub struct Terminal {
    master: File,
    /// Kept open, so that the terminal lives on between two programs.
    _slave: File,
    path: PathBuf,
    seen: Vec<u8>,
}

impl Terminal {
    /// Opens a terminal of this many columns.
    #[must_use]
    pub fn open(columns: u16) -> Self {
        let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let ends = openpty(Some(&size), None).expect("a pseudo terminal");
        let path = ttyname(&ends.slave).expect("the name of a terminal");
        // Its number must not pass to the programs: they are to open the terminal by name.
        for end in [&ends.master, &ends.slave] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC).expect("a flag");
        }
        Self { master: ends.master.into(), _slave: ends.slave.into(), path, seen: Vec::new() }
    }

    /// The device that programs open.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.to_str().expect("a plain name")
    }

    /// Types this.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).expect("a terminal");
    }

    /// Everything shown so far; never waits.
    pub fn shown(&mut self) -> String {
        while readable(self.master.as_fd(), Deadline::now()) {
            if self.read() == 0 {
                break;
            }
        }
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Takes what a process shows until it ends; one that is not read from would wait.
    pub fn watch(&mut self, process: &Process) {
        let deadline = Deadline::new();
        while !process.has_ended() {
            let ready = first_readable(&[self.master.as_fd(), process.as_fd()], deadline);
            assert!(ready.is_some(), "still runs: {}", crate::process::describe(process.pid()));
            self.shown();
        }
        self.shown();
    }

    /// Waits until this text was shown.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Deadline::new();
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let more = readable(self.master.as_fd(), deadline) && self.read() > 0;
            assert!(more, "the terminal never showed {text:?}: {:?}", self.shown());
        }
    }

    fn read(&mut self) -> usize {
        let mut piece = [0; 4096];
        let count = self.master.read(&mut piece).unwrap_or(0);
        self.seen.extend_from_slice(&piece[..count]);
        count
    }
}
