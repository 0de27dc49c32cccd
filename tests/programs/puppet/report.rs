//! What a process was started with, as it was before the puppet touched anything.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;

use nix::unistd::{getpgrp, getpid, getppid, getsid, tcgetpgrp};
use serde_json::{Map, Value, json};

type Answer = Result<String, Box<dyn std::error::Error>>;

/// The state at the start.
pub(crate) struct Report(Value);

impl Report {
    /// Looks at this process; must come before anything opens a descriptor.
    pub(crate) fn take() -> Self {
        let descriptors = descriptors();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default()
                .trim_start_matches(':')
                .trim()
                .to_owned()
        };
        let arguments: Vec<String> = std::env::args_os().map(|it| hex(&it.into_vec())).collect();
        let environment: Map<String, Value> = std::env::vars_os()
            .map(|(name, value)| {
                let value = value.to_string_lossy().into_owned();
                (name.to_string_lossy().into_owned(), value.into())
            })
            .collect();
        let directory = std::env::current_dir().unwrap_or_default();
        Self(json!({
            "pid": getpid().as_raw(),
            "ppid": getppid().as_raw(),
            "pgrp": getpgrp().as_raw(),
            "sid": getsid(None).map_or(0, nix::unistd::Pid::as_raw),
            "arguments": arguments,
            "environment": environment,
            "directory": directory.to_string_lossy(),
            "umask": field("Umask"),
            "blocked": field("SigBlk"),
            "ignored": field("SigIgn"),
            "descriptors": descriptors,
            "foreground": tcgetpgrp(std::io::stdin()).map_or(0, nix::unistd::Pid::as_raw),
        }))
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Reads standard input to its end; the answer is hexadecimal.
pub(crate) fn read_input() -> Answer {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The open flags of a descriptor, octal as the kernel prints them.
pub(crate) fn descriptor_flags(descriptor: &str) -> Answer {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}"))?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    Ok(flags.unwrap_or_default().trim().to_owned())
}

/// The group of this process and the one in the terminal's foreground.
pub(crate) fn foreground() -> Answer {
    Ok(format!("{} {}", getpgrp(), tcgetpgrp(std::io::stdin())?))
}

fn descriptors() -> Map<String, Value> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return Map::new();
    };
    let numbers: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    // The descriptor that listed the folder is closed by now, and its link with it.
    numbers
        .into_iter()
        .filter_map(|number| {
            let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
            Some((number, target.to_string_lossy().into_owned().into()))
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
