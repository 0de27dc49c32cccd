//! What a run says beside passing and failing, past the capture of a test's output.

use std::io::Write;

/// Says something that is of interest in a run that passes too.
pub fn say(text: &str) {
    // Unlike what the macros print, this is not held back.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says that a test was skipped, and why. Where nothing may be skipped it fails.
pub fn skipped(why: &str) {
    assert!(
        std::env::var_os("TASKWATCHER_TESTS_NO_SKIP").is_none(),
        "to be skipped, which is not allowed: {why}"
    );
    say(&format!("skipped: {why}"));
}
