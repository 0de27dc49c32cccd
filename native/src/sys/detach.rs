//! Leaving the caller: a launcher in the background that holds nothing of the process it came from.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};

/// What the caller hears of the process in the background.
#[derive(Debug)]
pub struct Answers {
    pipe: File,
    child: Pid,
}

/// How it ended for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The task with this id runs.
    Started(String),
    /// It does not, and nothing was left to do; the exit code for it.
    Ended(u8),
}

impl Answers {
    /// Waits for the answer, and for the end of a process that had to give up. Other lines that come
    /// before it are complaints for `complaint`.
    pub fn wait(self, mut complaint: impl FnMut(&str)) -> Answer {
        for line in BufReader::new(self.pipe).lines().map_while(Result::ok) {
            match line.split_once(' ') {
                Some((STARTED, id)) => return Answer::Started(id.to_owned()),
                Some((ENDED, code)) => {
                    let _ = waitpid(self.child, None);
                    return Answer::Ended(code.parse().unwrap_or(125));
                }
                _ => complaint(&line),
            }
        }
        complaint(
            "taskwatcher: the process in the background died before it had started the command",
        );
        Answer::Ended(125)
    }
}

const STARTED: &str = "\u{1}started";
const ENDED: &str = "\u{1}ended";

/// The way to tell the caller. Until it has told, its standard error goes to the caller too.
#[derive(Debug)]
pub struct Report(Option<File>);

impl Report {
    /// The task runs; from now on there is nobody to tell anything.
    pub fn started(&mut self, id: i64) {
        self.tell(&format!("{STARTED} {id}\n"));
    }

    /// The task does not run, unless it was told otherwise before.
    pub fn ended(&mut self, code: u8) {
        self.tell(&format!("{ENDED} {code}\n"));
    }

    fn tell(&mut self, line: &str) {
        if let Some(mut pipe) = self.0.take() {
            // A caller that has gone needs no answer.
            let _ = pipe.write_all(line.as_bytes());
            if let Ok(null) = null() {
                let _ = dup2_stderr(&null);
            }
        }
    }
}

/// Runs `work` in a new process and a new session, without any of the caller's descriptors: standard
/// input and output are /dev/null, standard error goes to the caller until `work` has told how it
/// went. No database may be open.
#[allow(unsafe_code)]
pub fn in_background(work: impl FnOnce(&mut Report)) -> io::Result<Answers> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: this process has one thread, so that the child may do what its parent could.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            drop(writer);
            Ok(Answers {
                pipe: File::from(reader),
                child,
            })
        }
        ForkResult::Child => {
            if leave_caller(&writer).is_ok() {
                work(&mut Report(Some(File::from(writer))));
            }
            // The caller's objects stand for descriptors that are closed here: nothing of them may
            // be dropped.
            // SAFETY: _exit never returns.
            unsafe { libc::_exit(0) }
        }
    }
}

fn leave_caller(writer: &OwnedFd) -> io::Result<()> {
    setsid()?;
    let null = null()?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(writer)?;
    drop(null);
    close_all_but(writer.as_raw_fd())
}

fn null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// Closes every descriptor above standard error except one.
#[allow(unsafe_code)]
fn close_all_but(kept: RawFd) -> io::Result<()> {
    let last = RawFd::MAX;
    for (first, last) in [(3, kept - 1), (kept + 1, last)] {
        if first > last {
            continue;
        }
        // SAFETY: this process owns no descriptor above standard error but the kept one, which is
        // left out; what else is open came from the process that started it.
        let closed = Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) });
        if closed.is_err() {
            close_listed(first, last)?;
        }
    }
    Ok(())
}

/// The same for kernels without `close_range` (before 5.9).
#[allow(unsafe_code)]
fn close_listed(first: RawFd, last: RawFd) -> io::Result<()> {
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| (first..=last).contains(fd))
        .collect();
    for fd in open {
        // SAFETY: as above; the descriptor of the listing itself is closed already, which is no
        // more than an error here.
        unsafe { libc::close(fd) };
    }
    Ok(())
}
