//! A pseudo terminal, for what only shows on one: foreground groups, widths, made-visible control
//! characters.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::Process;
use crate::wait::{Deadline, first_readable, readable};

/// The test's end of a terminal; programs get its [`path`](Terminal::path).
pub struct Terminal {
    master: PtyMaster,
    /// Kept open, so that the terminal lives on between two programs.
    slave: File,
    path: PathBuf,
    seen: Vec<u8>,
}

impl Terminal {
    /// Opens a terminal of this many columns.
    #[must_use]
    pub fn open(columns: u16) -> Self {
        // Closed on exec from the start: another test may start a program at any moment.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).expect("a pseudo terminal");
        grantpt(&master).expect("access to the terminal");
        unlockpt(&master).expect("an open terminal");
        let path = PathBuf::from(ptsname_r(&master).expect("the name of the terminal"));
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(&path)
            .expect("the terminal");
        let terminal = Self {
            master,
            slave,
            path,
            seen: Vec::new(),
        };
        terminal.resize(columns);
        terminal
    }

    /// Gives it this many columns, as a person does who pulls at the window.
    pub fn resize(&self, columns: u16) {
        let size = Winsize {
            ws_row: 40,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.slave, size).expect("a size");
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
            assert!(
                ready.is_some(),
                "still runs: {}",
                crate::process::describe(process.pid())
            );
            self.shown();
        }
        self.shown();
    }

    /// Waits until this text was shown.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Deadline::new();
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let more = readable(self.master.as_fd(), deadline) && self.read() > 0;
            assert!(
                more,
                "the terminal never showed {text:?}: {:?}",
                self.shown()
            );
        }
    }

    fn read(&mut self) -> usize {
        let mut piece = [0; 4096];
        let count = self.master.read(&mut piece).unwrap_or(0);
        self.seen.extend_from_slice(&piece[..count]);
        count
    }
}
