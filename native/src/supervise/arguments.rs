//! The command's arguments: what they say about feedback, and the two marks that are replaced in
//! them. Arguments are bytes; nothing else in them means anything.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// The argument that stands for the task's id.
const TASKID: &[u8] = b"{taskid}";

/// The argument that stands for the absolute path of the feedback file.
const FEEDBACK: &[u8] = b"{feedback}";

/// Whether a command gives feedback by its own arguments, and whether the name in them can only be
/// known if the id was reserved before.
pub fn feedback_in(command: &[OsString], literal: bool) -> (bool, bool) {
    let option = command
        .iter()
        .any(|argument| is_feedback_option(argument.as_bytes()));
    let has = |mark: &[u8]| {
        !literal
            && command
                .iter()
                .any(|argument| contains(argument.as_bytes(), mark))
    };
    (
        option || has(FEEDBACK),
        option && !has(FEEDBACK) && !has(TASKID),
    )
}

fn is_feedback_option(argument: &[u8]) -> bool {
    argument == b"--feedback" || argument.starts_with(b"--feedback=")
}

/// The command names a file of its own: tell if it is not the one that is watched.
pub fn warn_of_another_file(arguments: &[OsString], watched: &Path) {
    for (place, argument) in arguments.iter().enumerate() {
        let named = match argument.as_bytes() {
            b"--feedback" => arguments.get(place + 1).map(OsString::as_os_str),
            bytes => bytes.strip_prefix(b"--feedback=").map(OsStr::from_bytes),
        };
        let named = named.and_then(|named| std::path::absolute(named).ok());
        if let Some(named) = named.filter(|named| named != watched) {
            crate::warn(&format!(
                "the command writes its feedback to '{}', but '{}' is watched; use --feedpath, or {{feedback}} in the command",
                named.display(),
                watched.display()
            ));
        }
    }
}

/// Replaces the two marks in one argument; the second only if the task gives feedback.
pub fn substitute(argument: &OsStr, id: i64, feedfile: Option<&Path>) -> OsString {
    let replaced = replace(argument.as_bytes(), TASKID, id.to_string().as_bytes());
    match feedfile {
        Some(path) => OsString::from_vec(replace(&replaced, FEEDBACK, path.as_os_str().as_bytes())),
        None => OsString::from_vec(replaced),
    }
}

fn replace(text: &[u8], mark: &[u8], with: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = find(rest, mark) {
        replaced.extend_from_slice(&rest[..place]);
        replaced.extend_from_slice(with);
        rest = &rest[place + mark.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn contains(text: &[u8], mark: &[u8]) -> bool {
    find(text, mark).is_some()
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn only_the_two_marks_are_replaced() {
        let path = Path::new("/f/feedback_7.log");
        let replaced = |text: &str| substitute(OsStr::new(text), 7, Some(path));
        assert_eq!(
            replaced("--feedback={feedback}"),
            "--feedback=/f/feedback_7.log"
        );
        assert_eq!(replaced("{taskid}{taskid} {x} {{taskid}}"), "77 {x} {7}");
        assert_eq!(substitute(OsStr::new("{feedback}"), 7, None), "{feedback}");
        let bytes = OsString::from_vec(vec![0xff, b'{', b'}', b'\n']);
        assert_eq!(substitute(&bytes, 7, Some(path)), bytes);
    }

    #[test]
    fn feedback_is_seen_in_the_command() {
        assert_eq!(
            feedback_in(&command(&["p", "--feedback", "f"]), false),
            (true, true)
        );
        assert_eq!(
            feedback_in(&command(&["p", "--feedback=f"]), false),
            (true, true)
        );
        assert_eq!(
            feedback_in(&command(&["p", "--feedback", "{feedback}"]), false),
            (true, false)
        );
        assert_eq!(
            feedback_in(&command(&["p", "--feedback", "{feedback}"]), true),
            (true, true)
        );
        assert_eq!(
            feedback_in(&command(&["p", "{feedback}"]), false),
            (true, false)
        );
        assert_eq!(
            feedback_in(&command(&["p", "{feedback}"]), true),
            (false, false)
        );
        assert_eq!(
            feedback_in(&command(&["p", "--feedbacks", "x"]), false),
            (false, false)
        );
        assert_eq!(
            feedback_in(
                &command(&["p", "--feedback=/x/feedback_{taskid}.log"]),
                false
            ),
            (true, false)
        );
    }
}
