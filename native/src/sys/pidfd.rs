//! A descriptor of one process, which never stands for a later one with the same id.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use taskwatcher_core::outcome::Exit;

use super::identity::Process;
use super::process::exit_of_zombie;
use super::signal::Signal;
use super::wait::exit_of_status;

/// A descriptor of one process: it never stands for a later one with the same id.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens the process with this id, whichever it is now.
    #[allow(unsafe_code)]
    pub fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: pidfd_open takes two integers and returns a new descriptor that nobody else owns.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = Errno::result(fd).map_err(io::Error::from)?;
        let fd = i32::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: as above, the descriptor is ours alone.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Opens exactly this process; `Ok(None)` if it has ended.
    pub fn of(process: Process) -> io::Result<Option<Self>> {
        match Self::open(process.pid) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
            descriptor => Ok(descriptor.ok().filter(|_| process.is_alive())),
        }
    }

    /// Sends a signal to that very process.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.send(signal, 0)
    }

    /// Sends a signal to all at once that are in the group which that very process leads or led
    /// (since Linux 6.9).
    pub fn signal_group(&self, signal: Signal) -> io::Result<()> {
        self.send(signal, PIDFD_SIGNAL_PROCESS_GROUP)
    }

    /// Whether anybody is in that group; `None` if this kernel does not say.
    pub fn group_exists(&self) -> Option<bool> {
        match self.signal_group(Signal::NONE) {
            Ok(()) => Some(true),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Some(false),
            Err(_) => None,
        }
    }

    #[allow(unsafe_code)]
    fn send(&self, signal: Signal, flags: libc::c_uint) -> io::Result<()> {
        let fd = self.0.as_raw_fd();
        let info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open, and a null siginfo asks the kernel to fill it in.
        let done = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                fd,
                signal.number(),
                info,
                flags,
            )
        };
        Errno::result(done).map(drop).map_err(io::Error::from)
    }
}

/// How a process ended, for anybody who opened the descriptor before; `None` if nobody says. The
/// kernel tells it once the process was reaped by its parent (since 6.15); before that its
/// `/proc/PID/stat` does.
pub fn exit(process: Process, descriptor: Option<&PidFd>) -> Option<Exit> {
    let after_reaping = || {
        descriptor
            .and_then(PidFd::exit_after_reaping)
            .map(exit_of_status)
    };
    after_reaping()
        .or_else(|| exit_of_zombie(process))
        .or_else(|| {
            // It was reaped between the two looks, or will be soon by a parent that does.
            descriptor?.wait_for_reaping();
            after_reaping()
        })
}

/// How long a parent may take to reap a process that has ended, before it is one that never does.
const REAPED: Duration = Duration::from_secs(1);

impl PidFd {
    fn wait_for_reaping(&self) {
        // The descriptor is hung up by it, which is waited for without asking.
        let mut waited = [PollFd::new(self.as_fd(), PollFlags::empty())];
        let _ = ppoll(&mut waited, Some(REAPED.into()), None);
    }

    #[allow(unsafe_code)]
    fn exit_after_reaping(&self) -> Option<i32> {
        let mut info = PidfdInfo {
            mask: PIDFD_INFO_EXIT,
            ..PidfdInfo::default()
        };
        // SAFETY: the kernel writes at most the size that is part of the request's number, which is
        // the size of the structure.
        let done = unsafe { libc::ioctl(self.0.as_raw_fd(), PIDFD_GET_INFO, &raw mut info) };
        (done == 0 && info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code)
    }
}

impl AsFd for PidFd {
    /// Readable once the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// `struct pidfd_info` of linux/pidfd.h, its first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    pid: u32,
    thread_group: u32,
    parent: u32,
    user_ids: [u32; 8],
    exit_code: i32,
}

/// Of linux/pidfd.h.
const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;

/// `PIDFD_INFO_EXIT` of linux/pidfd.h.
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// `_IOWR(0xFF, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: libc::Ioctl =
    (3 << 30) | ((size_of::<PidfdInfo>() as libc::Ioctl) << 16) | (0xff << 8) | 0x0b;
