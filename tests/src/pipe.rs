//! A pipe whose reader lets everybody wait.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// A named pipe that takes no more until it is [drained](FullPipe::drain).
pub struct FullPipe(File);

impl FullPipe {
    /// Makes it at this path.
    ///
    /// # Panics
    /// When there is something already.
    #[must_use]
    pub fn make(path: &Path) -> Self {
        mkfifo(path, Mode::S_IRWXU).expect("a pipe");
        let mut pipe = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path)
            .expect("both ends");
        while pipe.write(&[b'x'; 4096]).is_ok() {}
        Self(pipe)
    }

    /// Reads what is in it.
    pub fn drain(&mut self) {
        let mut piece = vec![0; 1 << 20];
        while self.0.read(&mut piece).is_ok() {}
    }
}
