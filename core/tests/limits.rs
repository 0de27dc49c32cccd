//! The limits that keep memory bounded, and that hold to the byte.

use taskwatcher_core::reader::{MAX_DATA, MAX_KEYS, MAX_LINE};
use taskwatcher_core::{Diagnostic, DiagnosticKind, Reader, Values};

/// Reads with and without an ear for diagnostics: the two ways count bytes at different times.
fn read(log: &[u8]) -> (Values, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut heard = Reader::new();
    heard.push(log, &mut found);
    heard.end_input(&mut found);
    let mut unheard = Reader::new();
    for piece in log.chunks(300_000) {
        unheard.push(piece, &mut ());
    }
    unheard.end_input(&mut ());
    assert_eq!(unheard.counts(), heard.counts());
    assert!(unheard.values() == heard.values());
    (heard.values(), found)
}

fn kinds(found: &[Diagnostic]) -> Vec<(DiagnosticKind, u64)> {
    found.iter().map(|one| (one.kind, one.line)).collect()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn one_key_too_many_is_refused_until_another_is_cleared() {
    let mut log = lines(MAX_KEYS, |n| format!("[key{n}]{n}\n"));
    log += "[key7]still taken\n[one_more]refused\n[]not a clear\n[key9]\n[one_more]taken\n[two_more]refused\n";
    let (values, found) = read(log.as_bytes());
    let first = MAX_KEYS as u64;
    assert_eq!(
        kinds(&found),
        [
            (DiagnosticKind::TooManyKeys, first + 2),
            (DiagnosticKind::TextAfterClearAll, first + 3),
            (DiagnosticKind::TooManyKeys, first + 6),
        ]
    );
    assert_eq!(found[0].column, 2);
    assert_eq!(values.len(), MAX_KEYS);
    assert_eq!(values.get("key7"), Some("still taken"));
    assert_eq!(values.get("key9"), None);
    assert_eq!(values.iter().last(), Some(("one_more", "taken")));
}

#[test]
fn a_cleared_key_is_refused_like_a_new_one() {
    let mut log = String::from("[back]1\n[back]\n");
    log += &lines(MAX_KEYS, |n| format!("[key{n}]{n}\n"));
    log += "[back]2\n# so that the line before is not among the last bytes of its block\n";
    let (values, found) = read(log.as_bytes());
    assert_eq!(
        kinds(&found),
        [(DiagnosticKind::TooManyKeys, MAX_KEYS as u64 + 3)]
    );
    assert_eq!(values.get("back"), None);
}

#[test]
fn data_may_fill_the_limit_and_not_pass_it() {
    let value = "x".repeat(MAX_DATA / 32);
    let mut log = lines(31, |n| format!("[k{n:02}]{value}\n"));
    let rest = MAX_DATA - 31 * ("k00".len() + value.len()) - "last".len();
    for (letter, len) in [("x", rest + 1), ("y", rest)] {
        log += &lines(1, |_| format!("[last]{}\n", letter.repeat(len)));
    }
    log += "[l]refused, and what follows would make it longer\n";
    log += &lines(1, |_| format!("[last]{}\n", "z".repeat(rest + 1)));
    log += "[k00]\n[l]taken\n";
    let (values, found) = read(log.as_bytes());
    assert_eq!(
        kinds(&found),
        [
            (DiagnosticKind::TooMuchData, 32),
            (DiagnosticKind::TooMuchData, 34),
            (DiagnosticKind::TooMuchData, 35),
        ]
    );
    assert_eq!(values.get("last").map(str::len), Some(rest));
    assert!(values.get("last").is_some_and(|last| last.starts_with('y')));
    assert_eq!(values.get("l"), Some("taken"));
}

#[test]
fn bytes_that_are_not_utf8_count_as_what_they_become() {
    // Three bytes for each: five such values stay under the limit, the sixth does not.
    let bad = vec![0xFF; MAX_LINE - "[bad0]".len()];
    let keys = ["[bad0]", "[bad1]", "[bad2]", "[bad3]", "[bad4]", "[bad5]"];
    let mut log = keys
        .map(|key| [key.as_bytes(), &bad, b"\n"].concat())
        .concat();
    log.extend_from_slice(b"[bad0]short again\n[good]1\n");
    let (values, found) = read(&log);
    let mut expected: Vec<_> = (1..6).map(|n| (DiagnosticKind::ValueNotUtf8, n)).collect();
    expected.push((DiagnosticKind::TooMuchData, 6));
    assert_eq!(kinds(&found), expected);
    assert_eq!(values.get("bad1").map(str::len), Some(3 * bad.len()));
    assert_eq!(values.get("bad0"), Some("short again"));
    assert_eq!(values.get("good"), Some("1"));

    // The same limit holds for one who goes on from what was stored.
    let mut resumed = Reader::resume(values);
    for key in ["[bad6]", "[bad7]"] {
        resumed.push(&[key.as_bytes(), &bad, b"\n"].concat(), &mut ());
    }
    assert_eq!((resumed.counts().sets, resumed.counts().refused), (1, 1));
}

#[test]
fn a_line_may_be_as_long_as_the_limit_however_it_comes() {
    let longest = format!("[key]{}", "v".repeat(MAX_LINE - "[key]".len()));
    let log = format!("{longest}\n{longest}v\n[after]1\n");
    for len in [log.len(), MAX_LINE, MAX_LINE + 1, 4096, 65_537] {
        let mut found = Vec::new();
        let mut reader = Reader::new();
        for piece in log.as_bytes().chunks(len) {
            reader.push(piece, &mut found);
        }
        assert_eq!(kinds(&found), [(DiagnosticKind::LineTooLong, 2)]);
        assert_eq!(found[0].column, MAX_LINE as u64 + 1);
        assert_eq!(found[0].offset, 2 * MAX_LINE as u64 + 1);
        assert_eq!(reader.consumed(), log.len() as u64);
        assert_eq!(reader.finish(&mut ()).get("after"), Some("1"));
    }
}

#[test]
fn an_endless_line_takes_no_memory_and_counts_when_the_input_ends() {
    let mut reader = Reader::new();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        reader.push(&piece, &mut ());
    }
    assert_eq!(reader.counts().lines(), 0);
    assert_eq!(reader.consumed(), 0);
    let mut found = Vec::new();
    reader.end_input(&mut found);
    assert_eq!(kinds(&found), [(DiagnosticKind::LineTooLong, 1)]);
    assert_eq!(reader.consumed(), 64 << 20);
}

#[test]
fn stored_values_over_the_limits_are_left_out() {
    let stored: Values = (0..MAX_KEYS + 5)
        .map(|n| (format!("key{n}"), "v"))
        .collect();
    assert_eq!(Reader::resume(stored).values().len(), MAX_KEYS);
    let stored: Values = [("big", "x".repeat(MAX_DATA)), ("small", "y".into())]
        .into_iter()
        .collect();
    let kept = Reader::resume(stored).values();
    assert_eq!(kept.iter().collect::<Vec<_>>(), [("small", "y")]);
}

#[test]
fn stored_keys_that_no_line_can_have_are_kept_and_never_found() {
    let strange = ["", "1st", "two words", "a]b", "a\nb", "a[b", "tab\t"];
    let stored: Values = strange.into_iter().map(|key| (key, "kept")).collect();
    let mut log = lines(strange.len(), |n| format!("[{}]changed\n", strange[n]));
    log += "# so that none of these is among the last bytes of the block\n";
    let mut reader = Reader::resume(stored);
    reader.push(log.as_bytes(), &mut ());
    let values = reader.values();
    for key in strange {
        assert_eq!(values.get(key), Some("kept"), "{key:?}");
    }
    assert_eq!(values.get("a"), Some("b]changed"));
    reader.push(b"[]\n", &mut ());
    assert!(reader.values().is_empty());
}
