//! The doors to the kernel: the only place with system calls and the only one with unsafe code.
//!
//! A door does one thing. What to do when lives in [`crate::supervise`]; only which signals a launcher
//! takes for itself stands here, beside how it takes them.

pub mod clock;
pub mod detach;
pub mod fault;
pub mod file;
pub mod identity;
pub mod pidfd;
pub mod process;
pub mod proof;
pub mod signal;
pub mod spawn;
pub mod terminal;
pub mod wait;
pub mod watch;
