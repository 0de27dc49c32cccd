//! What holds of the reader and the writer for every input.

mod model;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use taskwatcher_core::reader::MAX_LINE;
use taskwatcher_core::writer::{self, LineError};
use taskwatcher_core::{Diagnostic, Problems, Reader, Values};

use model::Outcome;

/// Reads in the given pieces, then whatever is left.
fn read_in(bytes: &[u8], lens: &[usize]) -> Outcome {
    let mut reader = Reader::new();
    let mut diagnostics = Vec::new();
    let mut rest = bytes;
    for &len in lens {
        let (piece, after) = rest.split_at(len.min(rest.len()));
        reader.push(piece, &mut diagnostics);
        rest = after;
    }
    reader.push(rest, &mut diagnostics);
    end(reader, diagnostics)
}

fn read(bytes: &[u8]) -> Outcome {
    read_in(bytes, &[])
}

fn end(mut reader: Reader, mut diagnostics: Vec<Diagnostic>) -> Outcome {
    reader.end_input(&mut diagnostics);
    let (values, counts) = (reader.values(), reader.counts());
    let consumed = reader.consumed();
    assert_eq!(reader.finish(&mut ()), values);
    Outcome {
        values,
        counts,
        diagnostics,
        consumed,
    }
}

fn lines_of(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').collect()
}

/// Lengths around the words and windows that a quick reader looks at.
fn telling_len() -> impl Strategy<Value = usize> {
    prop_oneof![
        1..4_usize,
        7..10_usize,
        14..18_usize,
        22..26_usize,
        28..35_usize,
        62..72_usize,
    ]
}

fn telling_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        select(&b"[]#\n\r \tk5\x00\x01\x1F\x7F\xFF\xC3\xA9\x85\xC2\xEF\xBB\xBF"[..]),
        any::<u8>(),
    ]
}

fn run_of_one_byte() -> impl Strategy<Value = Vec<u8>> {
    (telling_byte(), telling_len()).prop_map(|(byte, len)| vec![byte; len])
}

/// Few keys, so that they meet again; some differ in one byte only, somewhere.
fn key() -> impl Strategy<Value = String> {
    let stem = prop_oneof![
        4 => select(&["progress", "run", "k", "a]b", "ключ", "é", "a[b", "1st", "a b", "a\u{85}b", ""][..])
            .prop_map(String::from),
        4 => (select(&["x", "y", "é"][..]), telling_len(), select(&["", "0", "1"][..]))
            .prop_map(|(letter, len, tail)| letter.repeat(len) + tail),
        1 => any::<String>(),
    ];
    stem.boxed()
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "[0-9]{1,3}".prop_map(String::into_bytes),
        3 => "[ -~]{0,70}".prop_map(String::into_bytes),
        1 => any::<String>().prop_map(String::into_bytes),
        1 => vec(telling_byte(), 0..70),
        1 => run_of_one_byte(),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let set =
        (key(), value()).prop_map(|(key, value)| [b"[", key.as_bytes(), b"]", &value].concat());
    let clear = key().prop_map(|key| format!("[{key}]").into_bytes());
    prop_oneof![
        8 => set,
        2 => clear,
        1 => Just(b"[]".to_vec()),
        1 => value().prop_map(|text| [b"#", &text[..]].concat()),
        1 => Just(Vec::new()),
        1 => value(),
        1 => key().prop_map(|key| format!("[{key}").into_bytes()),
    ]
}

/// Lines as programs write them, and worse.
fn grammar_shaped() -> impl Strategy<Value = Vec<u8>> {
    let edge = || select(&["", "", "", "", " ", "\t", "\r", " \r\t"][..]);
    let line = (
        edge(),
        line(),
        edge(),
        select(&["\n", "\n", "\n", "\r\n"][..]),
    );
    let lines = vec(line, 0..24).prop_map(|lines| {
        let parts = lines.iter();
        let parts = parts.flat_map(|(head, line, tail, end)| {
            [head.as_bytes(), &line[..], tail.as_bytes(), end.as_bytes()]
        });
        parts.collect::<Vec<_>>().concat()
    });
    let mark = select(&["", "", "", "\u{FEFF}"][..]);
    (mark, lines, value()).prop_map(|(mark, lines, half)| [mark.as_bytes(), &lines, &half].concat())
}

fn log() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => grammar_shaped(),
        1 => vec(any::<u8>(), 0..300),
        2 => vec(telling_byte(), 0..300),
        1 => vec(run_of_one_byte(), 0..6).prop_map(|runs| runs.concat()),
    ]
}

/// A log that ends with a line feed and has no mark at its start.
fn whole_lines() -> impl Strategy<Value = Vec<u8>> {
    log().prop_map(|mut log| {
        while let Some(rest) = log.strip_prefix("\u{FEFF}".as_bytes()) {
            log = rest.to_vec();
        }
        if log.last().is_some_and(|&last| last != b'\n') {
            log.push(b'\n');
        }
        log
    })
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((key(), any::<String>()), 0..12)
}

/// Set `PROPTEST_CASES` for a longer run. Cases that once failed are tried first, every time.
fn config() -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/properties.regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_reader_agrees_with_the_plainest_model(log in log()) {
        prop_assert_eq!(read(&log), model::read(&log));
    }

    #[test]
    fn pieces_never_matter(log in log(), lens in vec(0..50_usize, 0..20)) {
        prop_assert_eq!(read_in(&log, &lens), read(&log));
    }

    #[test]
    fn single_bytes_give_the_same(log in log()) {
        prop_assert_eq!(read_in(&log, &vec![1; log.len()]), read(&log));
    }

    #[test]
    fn the_half_line_is_never_in_the_values(log in log(), len in 0..400_usize) {
        let seen = &log[..len.min(log.len())];
        let complete = seen.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let mut reader = Reader::new();
        reader.push(seen, &mut ());
        prop_assert_eq!(reader.values(), read(&seen[..complete]).values);
        prop_assert_eq!(reader.counts(), read(&seen[..complete]).counts);
    }

    #[test]
    fn zeros_that_are_only_counted_are_zeros(
        log in log(),
        at in 0..400_usize,
        counts in vec(prop_oneof![0..20_u64, MAX_LINE as u64 - 3..MAX_LINE as u64 + 3], 1..3),
    ) {
        let (before, after) = log.split_at(at.min(log.len()));
        let seen = |zeros: &dyn Fn(&mut Reader, u64, &mut Vec<_>)| {
            let mut reader = Reader::new();
            let mut diagnostics = Vec::new();
            reader.push(before, &mut diagnostics);
            for &count in &counts {
                zeros(&mut reader, count, &mut diagnostics);
            }
            reader.push(after, &mut diagnostics);
            (reader.consumed(), reader.counts(), reader.finish(&mut diagnostics), diagnostics)
        };
        let pushed = seen(&|reader, count, sink| reader.push(&vec![0; usize::try_from(count).expect("few")], sink));
        prop_assert_eq!(seen(&|reader, count, _| reader.push_zeros(count)), pushed);
    }

    #[test]
    fn reading_goes_on_where_it_stopped(log in log(), len in 0..400_usize) {
        let mut first = Reader::new();
        let mut diagnostics = Vec::new();
        first.push(&log[..len.min(log.len())], &mut diagnostics);
        let done = first.consumed();
        if done == 0 {
            return Ok(());
        }
        let (line, counts) = (first.counts().lines(), first.counts());

        let stored = Values::from_json(&first.values().to_json()).unwrap();
        let mut second = Reader::resume(stored);
        let mut more = Vec::new();
        second.push(&log[usize::try_from(done).unwrap()..], &mut more);
        let second = end(second, more);

        let whole = read(&log);
        prop_assert_eq!(&second.values, &whole.values);
        prop_assert_eq!(done + second.consumed, whole.consumed);
        prop_assert_eq!(counts.lines() + second.counts.lines(), whole.counts.lines());
        diagnostics.extend(second.diagnostics.into_iter().map(|found| Diagnostic {
            line: found.line + line,
            offset: found.offset + done,
            ..found
        }));
        prop_assert_eq!(diagnostics, whole.diagnostics);
    }

    #[test]
    fn one_log_after_the_other_is_the_same_as_both_together(a in whole_lines(), b in whole_lines()) {
        let mut reader = Reader::resume(read(&a).values);
        reader.push(&b, &mut ());
        prop_assert_eq!(reader.finish(&mut ()), read(&[a, b].concat()).values);
    }

    #[test]
    fn what_stands_before_the_last_clear_all_does_not_matter(before in whole_lines(), after in log()) {
        let whole = [&before[..], b"[]\n", &after].concat();
        let alone = [b"[]\n", &after[..]].concat();
        prop_assert_eq!(read(&whole).values, read(&alone).values);
    }

    #[test]
    fn a_carriage_return_before_the_line_feed_changes_only_offsets(log in whole_lines()) {
        let with_cr: Vec<u8> = lines_of(&log)
            .into_iter()
            .flat_map(|line| [&line[..line.len() - 1], b"\r\n"].concat())
            .collect();
        let (plain, with_cr) = (read(&log), read(&with_cr));
        prop_assert_eq!(plain.values, with_cr.values);
        prop_assert_eq!(plain.counts, with_cr.counts);
        let places = |found: &[Diagnostic]| -> Vec<_> {
            found.iter().map(|d| (d.kind, d.line, d.column)).collect()
        };
        prop_assert_eq!(places(&plain.diagnostics), places(&with_cr.diagnostics));
    }

    #[test]
    fn comments_change_only_places(log in whole_lines()) {
        let is_comment = |line: &[u8]| line.trim_ascii_start().first() == Some(&b'#')
            && !line.iter().take_while(|&&byte| byte != b'#').any(|&byte| byte == b'\x0C');
        let without: Vec<u8> = lines_of(&log)
            .into_iter()
            .filter(|line| !is_comment(line))
            .flatten()
            .copied()
            .collect();
        let (with, without) = (read(&log), read(&without));
        prop_assert_eq!(with.values, without.values);
        prop_assert_eq!(without.counts.comments, 0);
        prop_assert_eq!(with.counts.lines() - with.counts.comments, without.counts.lines());
        let kinds = |found: &[Diagnostic]| -> Vec<_> {
            found.iter().map(|d| (d.kind, d.column)).collect()
        };
        prop_assert_eq!(kinds(&with.diagnostics), kinds(&without.diagnostics));
    }

    #[test]
    fn more_text_behind_changes_nothing(log in whole_lines()) {
        // The last bytes of a block are too few for the quick way, so this compares both ways.
        let longer = [&log[..], b"# a comment that is longer than any window\n"].concat();
        prop_assert_eq!(read(&log).values, read(&longer).values);
        prop_assert_eq!(read(&log).diagnostics, read(&longer).diagnostics);
    }

    #[test]
    fn every_line_and_every_byte_is_counted_once(log in log()) {
        let outcome = read(&log);
        prop_assert_eq!(outcome.consumed, log.len() as u64);
        let mark = log.starts_with("\u{FEFF}".as_bytes());
        let lines = lines_of(&log[if mark { 3 } else { 0 }..]).len();
        prop_assert_eq!(outcome.counts.lines(), lines as u64);
        let (malformed, refused) = (outcome.counts.malformed, outcome.counts.refused);
        let count = |test: fn(&Diagnostic) -> bool| {
            outcome.diagnostics.iter().filter(|found| test(found)).count() as u64
        };
        prop_assert_eq!(count(|found| found.kind.is_malformed()), malformed);
        prop_assert_eq!(count(|found| found.kind.is_refusal()), refused);
    }

    #[test]
    fn diagnostics_move_forward(log in log()) {
        let found = read(&log).diagnostics;
        prop_assert!(found.windows(2).all(|two| two[0].line < two[1].line));
        prop_assert!(found.windows(2).all(|two| two[0].offset < two[1].offset));
        let start = if log.starts_with("\u{FEFF}".as_bytes()) { 3 } else { 0 };
        for one in found {
            let lines = lines_of(&log[start..]);
            let line = usize::try_from(one.line).unwrap();
            let before: usize = lines[..line - 1].iter().map(|line| line.len()).sum();
            prop_assert_eq!(one.offset, (start + before) as u64 + one.column - 1);
            prop_assert!(one.column <= lines[line - 1].len() as u64 + 1);
        }
    }

    #[test]
    fn the_sink_changes_nothing(log in log(), limit in 0..4_usize) {
        let mut problems = Problems::new(limit);
        let mut reader = Reader::new();
        reader.push(&log, &mut problems);
        let values = reader.finish(&mut problems);
        let outcome = read(&log);
        prop_assert_eq!(&values, &outcome.values);
        prop_assert_eq!(problems.total(), outcome.diagnostics.len() as u64);
        let kept = limit.min(outcome.diagnostics.len());
        prop_assert_eq!(problems.kept(), &outcome.diagnostics[..kept]);

        let mut unheard = Reader::new();
        unheard.push(&log, &mut ());
        unheard.end_input(&mut ());
        prop_assert_eq!(unheard.counts(), outcome.counts);
        prop_assert_eq!(unheard.values(), outcome.values);
    }

    #[test]
    fn what_is_written_is_read_back(pairs in pairs()) {
        let mut log = String::new();
        let mut carried = Vec::new();
        for (key, value) in pairs {
            if let Ok(line) = writer::set(&key, &value) {
                log += &line;
                carried.push((key, value));
            }
        }
        let outcome = read(log.as_bytes());
        prop_assert_eq!(outcome.values, carried.into_iter().collect());
        prop_assert_eq!(outcome.diagnostics, vec![]);
    }

    #[test]
    fn only_what_cannot_be_carried_is_refused(key in key(), value in any::<String>()) {
        let outcome = read(format!("[{key}]{value}\n").as_bytes());
        let carried = outcome.counts.lines() == 1
            && outcome.values.iter().eq([(key.as_str(), value.as_str())]);
        prop_assert_eq!(writer::set(&key, &value).is_ok(), carried);
    }

    #[test]
    fn a_clear_line_clears_its_key_alone(log in whole_lines(), key in key()) {
        let before = read(&log).values;
        match writer::clear(&key) {
            Ok(line) => {
                let after = read(&[&log[..], line.as_bytes()].concat()).values;
                prop_assert!(after.iter().eq(before.iter().filter(|(k, _)| *k != key)));
            }
            Err(fault) => prop_assert!(matches!(fault, LineError::EmptyKey | LineError::BadKey(_))),
        }
    }

    #[test]
    fn reading_its_own_output_is_stable(log in log()) {
        let values = read(&log).values;
        let lines: String = values
            .iter()
            .map(|(key, value)| writer::set(key, value).unwrap())
            .collect();
        prop_assert_eq!(read(lines.as_bytes()).values, values);
    }

    #[test]
    fn json_keeps_everything_and_drives_no_terminal(pairs in vec(any::<(String, String)>(), 0..12)) {
        let values: Values = pairs.into_iter().collect();
        let json = values.to_json();
        prop_assert!(!json.chars().any(char::is_control));
        prop_assert_eq!(&Values::from_json(&json).unwrap(), &values);
        let plain: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(plain.len(), values.len());
        for (key, value) in values.iter() {
            prop_assert_eq!(plain[key].as_str(), Some(value));
            prop_assert_eq!(values.get(key), Some(value));
        }
    }

    #[test]
    fn reading_json_never_panics(text in any::<String>()) {
        if let Ok(values) = Values::from_json(&text) {
            prop_assert_eq!(Values::from_json(&values.to_json()).unwrap(), values);
        }
    }
}
