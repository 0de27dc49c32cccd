//! Starting a command behind a gate.
//!
//! The child is forked first and waits at a pipe. Only when its row is committed does the launcher
//! send it the order to execute; if the launcher dies before that, the child reads end of file and
//! exits. So nothing ever runs that is not recorded. Whether the program could be executed comes
//! back over a second pipe, which a successful exec closes.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdout, execve, fork, pipe2, setpgid};

use super::fault::{self, Step};
use super::signal::{self, Inherited, Signals};

/// How often it is looked for a request to end while another signal waits to be taken.
const LOOK_AGAIN: TimeSpec = TimeSpec::from_duration(Duration::from_millis(100));

/// What the child is to execute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Program and arguments. The program is looked for in PATH if it has no slash.
    pub arguments: Vec<OsString>,
    /// Environment variables to set, or with `None` to remove.
    pub environment: Vec<(OsString, Option<OsString>)>,
}

/// A forked child that waits for its order.
#[derive(Debug)]
pub struct Gate {
    child: i32,
    order: File,
    answer: File,
}

impl Gate {
    /// Forks the child into a process group of its own. It will write to `output` instead of
    /// standard output and standard error, if given.
    #[allow(unsafe_code)]
    pub fn fork(inherited: &Inherited, output: Option<&OwnedFd>) -> io::Result<Self> {
        let (order_end, order) = pipe2(OFlag::O_CLOEXEC)?;
        let (answer, answer_end) = pipe2(OFlag::O_CLOEXEC)?;
        // SAFETY: this process has one thread, so that the child may do what its parent could.
        match unsafe { fork() }? {
            ForkResult::Child => {
                drop((order, answer));
                let mut answer_end = File::from(answer_end);
                {
                    let Err(error) = execute(File::from(order_end), inherited, output);
                    let code = error.raw_os_error().unwrap_or(libc::EIO);
                    let _ = answer_end.write_all(&code.to_ne_bytes());
                }
                // Nothing of the parent's may run here: no destructors, no buffered output.
                // SAFETY: _exit never returns.
                unsafe { libc::_exit(127) }
            }
            ForkResult::Parent { child } => {
                // Both sides do it, so that it is done whoever goes on first.
                let _ = setpgid(child, child);
                Ok(Self {
                    child: child.as_raw(),
                    order: File::from(order),
                    answer: File::from(answer),
                })
            }
        }
    }

    /// The child's process id, which is also its group's.
    pub fn pid(&self) -> i32 {
        self.child
    }

    /// Sends the order and waits until the program was executed; or, if it lies on a file system that
    /// does not answer, until somebody asks this process to end.
    ///
    /// # Errors
    /// The system's reason why it could not be; the child has ended and is reaped then.
    pub fn open(self, order: &Order, signals: &Signals) -> io::Result<()> {
        let Self {
            child,
            order: mut pipe,
            mut answer,
        } = self;
        // A child that was killed at the gate shows by its exit, like one killed later.
        let _ = pipe.write_all(&encode(order));
        drop(pipe);
        fault::reach(Step::Ordered);
        while !is_answered(&answer, signals) {
            if signal::is_asked_to_end() {
                return Ok(());
            }
        }
        let mut code = [0; 4];
        match answer.read_exact(&mut code) {
            Ok(()) => {
                let _ = nix::sys::wait::waitpid(Pid::from_raw(child), None);
                Err(io::Error::from_raw_os_error(i32::from_ne_bytes(code)))
            }
            Err(_) => Ok(()),
        }
    }

    /// Tells the child to go without executing anything, and reaps it.
    pub fn abandon(self) {
        let Self {
            child,
            order,
            answer,
        } = self;
        drop((order, answer));
        let _ = nix::sys::wait::waitpid(Pid::from_raw(child), None);
    }
}

/// Waits for the child's answer or for a signal; whether the answer is there. A signal that does not
/// ask to end stays where it is, and must not wake this again and again.
fn is_answered(answer: &File, signals: &Signals) -> bool {
    let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
    let mut both = [readable(answer.as_fd()), readable(signals.as_fd())];
    let _ = ppoll(&mut both, None, None);
    let answered = |entry: &PollFd<'_>| entry.any().unwrap_or(false);
    if !answered(&both[0]) && !signal::is_asked_to_end() {
        let _ = ppoll(&mut both[..1], Some(LOOK_AGAIN), None);
    }
    answered(&both[0])
}

/// In the child: waits for the order and becomes the program.
fn execute(
    mut gate: File,
    inherited: &Inherited,
    output: Option<&OwnedFd>,
) -> io::Result<Infallible> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    let mut bytes = Vec::new();
    gate.read_to_end(&mut bytes)?;
    // Less than a whole order: the launcher died before the row was committed.
    let order = decode(&bytes).ok_or(Errno::ECANCELED)?;
    if let Some(output) = output {
        dup2_stdout(output)?;
        dup2_stderr(output)?;
    }
    let arguments = order
        .arguments
        .into_iter()
        .map(c_string)
        .collect::<io::Result<Vec<_>>>()?;
    let environment = environment(order.environment)?;
    let program = arguments.first().ok_or(Errno::ENOENT)?;
    inherited.restore()?;
    let mut denied = None;
    for candidate in candidates(program) {
        // A program that has begun does not come back.
        let Err(error) = execve(&candidate, &arguments, &environment);
        match error {
            // As execvp has it: a folder may be on a file system that does not answer.
            Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE | Errno::ENODEV | Errno::ETIMEDOUT => {}
            Errno::EACCES => denied = Some(error),
            other => return Err(other.into()),
        }
    }
    Err(denied.unwrap_or(Errno::ENOENT).into())
}

/// Where the program may be: as it stands if it has a slash, else in the folders of PATH, of which
/// an empty one is the working folder. Unlike execvp, which hands a file without `#!` line to a
/// shell, this executes nothing else.
fn candidates(program: &CString) -> Vec<CString> {
    let name = program.as_bytes();
    if name.contains(&b'/') || name.is_empty() {
        return vec![program.clone()];
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let folders = path.as_bytes().split(|&byte| byte == b':');
    let in_folder = |folder: &[u8]| {
        let folder = if folder.is_empty() { b"." } else { folder };
        CString::new([folder, b"/", name].concat()).ok()
    };
    folders.filter_map(in_folder).collect()
}

/// Whether there is such a file, so that another one must be missing: its interpreter.
pub fn exists(program: &OsStr) -> bool {
    let is_there = |path: CString| {
        let path = OsString::from_vec(path.into_bytes());
        Path::new(&path).exists()
    };
    let name = CString::new(program.as_bytes());
    name.is_ok_and(|name| candidates(&name).into_iter().any(is_there))
}

fn environment(changes: Vec<(OsString, Option<OsString>)>) -> io::Result<Vec<CString>> {
    let mut variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    for (name, value) in changes {
        variables.retain(|(present, _)| *present != name);
        variables.extend(value.map(|value| (name, value)));
    }
    let entry = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        c_string(name)
    };
    variables.into_iter().map(entry).collect()
}

fn c_string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec()).map_err(|_| Errno::EINVAL.into())
}

/// An order as bytes: counts and lengths, since an argument may hold any byte. A whole order ends
/// with its own length, so that the half of one is never taken for it.
fn encode(order: &Order) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, order.arguments.len());
    for argument in &order.arguments {
        put_text(&mut bytes, argument.as_bytes());
    }
    for (name, value) in &order.environment {
        put_text(&mut bytes, name.as_bytes());
        put_number(&mut bytes, usize::from(value.is_some()));
        put_text(
            &mut bytes,
            value.as_ref().map_or(&[], |value| value.as_bytes()),
        );
    }
    let length = bytes.len();
    put_number(&mut bytes, length);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Order> {
    let (mut rest, length) =
        bytes.split_at_checked(bytes.len().checked_sub(size_of::<usize>())?)?;
    if usize::from_ne_bytes(length.try_into().ok()?) != rest.len() {
        return None;
    }
    let mut order = Order::default();
    for _ in 0..take_number(&mut rest)? {
        order.arguments.push(take_text(&mut rest)?);
    }
    while !rest.is_empty() {
        let name = take_text(&mut rest)?;
        let is_set = take_number(&mut rest)? != 0;
        let value = take_text(&mut rest)?;
        order.environment.push((name, is_set.then_some(value)));
    }
    Some(order)
}

fn put_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&number.to_ne_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &[u8]) {
    put_number(bytes, text.len());
    bytes.extend_from_slice(text);
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let (number, after) = rest.split_at_checked(size_of::<usize>())?;
    *rest = after;
    Some(usize::from_ne_bytes(number.try_into().ok()?))
}

fn take_text(rest: &mut &[u8]) -> Option<OsString> {
    let length = take_number(rest)?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(OsString::from_vec(text.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_passes_the_gate_unchanged_or_not_at_all() {
        let order = Order {
            arguments: vec![
                "a b".into(),
                "".into(),
                OsString::from_vec(vec![0xff, b'\n', b'"']),
            ],
            environment: vec![("A".into(), Some("".into())), ("B".into(), None)],
        };
        let bytes = encode(&order);
        assert_eq!(decode(&bytes), Some(order));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
