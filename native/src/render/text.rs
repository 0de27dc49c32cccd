//! Text from files, names and values on its way to a terminal.

use std::fmt::Write;

/// The text with everything visible that a terminal might obey: control characters, and the marks
/// that reverse the direction of writing. They are shown as Rust writes them, `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if c.is_control() || is_direction(c) => {
                write!(shown, "\\u{{{:x}}}", u32::from(c)).expect("a string takes all");
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Unicode's bidirectional controls (UAX #9) and the separators that break lines.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(
            visible("a\u{1b}[2J\n\u{9b}1mé\u{202e}x"),
            "a\\u{1b}[2J\\n\\u{9b}1mé\\u{202e}x"
        );
    }
}
