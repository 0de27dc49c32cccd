//! What holds of the index of a log and of the state at a line, for every log.

mod model;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use taskwatcher_core::line::{self, Line};
use taskwatcher_core::reader::MAX_LINE;
use taskwatcher_core::trace::{
    self, Chart, Frame, Limits, MAX_POINTS, NONE, Row, RowKind, State, Trace, exact_chart,
};
use taskwatcher_core::{Counts, DiagnosticKind};

/// So small that some lines make many parts, and that snapshots are thinned.
fn small() -> Limits {
    Limits {
        snapshots: 300,
        problems: 1000,
        part: 40,
    }
}

fn log_line() -> impl Strategy<Value = Vec<u8>> {
    let key = || {
        select(
            &[
                "a",
                "progress",
                "k",
                "a_longer_key_than_thirty_two_bytes",
                "é",
            ][..],
        )
    };
    let value = prop_oneof![
        4 => "-?[0-9]{1,4}(\\.[0-9])?%?".prop_map(String::into_bytes),
        2 => "[ -~]{0,20}".prop_map(String::into_bytes),
        1 => vec(any::<u8>().prop_filter("no line feed", |&byte| byte != b'\n'), 0..20),
    ];
    prop_oneof![
        10 => (key(), value).prop_map(|(key, value)| [b"[", key.as_bytes(), b"]", &value[..]].concat()),
        2 => key().prop_map(|key| format!(" [{key}]\t").into_bytes()),
        1 => Just(b"[]".to_vec()),
        1 => Just(b"#comment".to_vec()),
        1 => Just(b" \r".to_vec()),
        1 => Just(b"neither".to_vec()),
        1 => Just(b"[1st]x".to_vec()),
    ]
}

fn log() -> impl Strategy<Value = Vec<u8>> {
    let mark = select(&["", "", "\u{FEFF}"][..]);
    let lines = vec((log_line(), select(&["\n", "\n", "\r\n"][..])), 0..60);
    let half = prop_oneof![Just(Vec::new()), log_line(), Just(b"\xEF\xBB".to_vec())];
    (mark, lines, half).prop_map(|(mark, lines, half)| {
        let mut log = mark.as_bytes().to_vec();
        for (line, end) in &lines {
            log.extend_from_slice(line);
            log.extend_from_slice(end.as_bytes());
        }
        log.extend_from_slice(&half);
        log
    })
}

fn index(log: &[u8], lens: &[usize], limits: Limits) -> Trace {
    let mut trace = Trace::new(limits);
    let mut rest = log;
    for &len in lens {
        let (piece, after) = rest.split_at(len.min(rest.len()));
        trace.push(piece);
        rest = after;
    }
    trace.push(rest);
    trace
}

fn range(log: &[u8], bytes: std::ops::Range<u64>) -> &[u8] {
    &log[usize::try_from(bytes.start).unwrap()..usize::try_from(bytes.end).unwrap()]
}

fn state(trace: &Trace, log: &[u8], line: u64, lens: &[usize]) -> State {
    let mut replay = trace.locate(line).unwrap();
    let mut rest = range(log, replay.needed());
    for &len in lens {
        let (piece, after) = rest.split_at(len.min(rest.len()));
        replay.push(piece);
        rest = after;
    }
    replay.push(rest);
    replay.state().unwrap()
}

/// The log up to the end of each line.
fn prefixes(log: &[u8]) -> Vec<&[u8]> {
    let mark = if log.starts_with("\u{FEFF}".as_bytes()) {
        3
    } else {
        0
    };
    let lines = log[mark..].split_inclusive(|&byte| byte == b'\n');
    let ends = lines.scan(mark, |end, line| {
        *end += line.len();
        Some(&log[..*end])
    });
    ends.collect()
}

/// The last line of some bytes, as the grammar reads it.
fn last_line(prefix: &[u8]) -> &[u8] {
    let text = prefix.strip_suffix(b"\n").unwrap_or(prefix);
    let text = text.rsplit(|&byte| byte == b'\n').next().unwrap_or(text);
    text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text)
}

/// The state as the model gives it, with the lines that set keys last found by looking at all lines.
fn naive(prefixes: &[&[u8]], line: usize) -> State {
    let mut wanted = State {
        line: line as u64,
        ..State::default()
    };
    if line == 0 {
        return wanted;
    }
    let after = model::read(prefixes[line - 1]).values;
    for (key, value) in after.iter() {
        let sets = |n: &usize| matches!(line::parse(last_line(prefixes[*n - 1])), Ok(Line::Set { key: k, .. }) if k == key);
        wanted.pairs.push(trace::StatePair {
            key: key.to_owned(),
            value: value.to_owned(),
            line: (1..=line).rev().find(sets).unwrap() as u64,
        });
    }
    wanted.before = naive(prefixes, line - 1).pairs;
    wanted.before.retain(|pair| !wanted.pairs.contains(pair));
    wanted
}

/// Every row, part by part.
fn all_rows<'a>(trace: &'a Trace, log: &'a [u8]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let mut line = 1;
    while let Some(part) = trace.part(line) {
        assert_eq!(part.first_line, line, "parts tile the lines");
        let bytes = range(log, part.bytes.clone());
        let kept = trace.problems().kept();
        let of_part: Vec<_> = trace::rows(bytes, line, line..u64::MAX, kept).collect();
        assert_eq!(of_part.len() as u64, part.lines);
        rows.extend(of_part);
        line += part.lines;
    }
    rows
}

fn counts(rows: &[Row<'_>]) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        *match row.kind {
            RowKind::Set => &mut counts.sets,
            RowKind::Clear => &mut counts.clears,
            RowKind::ClearAll => &mut counts.clear_alls,
            RowKind::Comment => &mut counts.comments,
            RowKind::Blank => &mut counts.blanks,
            RowKind::Malformed => &mut counts.malformed,
            RowKind::Refused => &mut counts.refused,
        } += 1;
    }
    counts
}

/// What a chart shows: the extremes, and the number that holds in each pixel. NaN is like NaN.
fn bits(chart: &Chart) -> Vec<u64> {
    let mut now = chart.before.unwrap_or(NONE);
    let holds = chart.last.iter().map(|&last| {
        now = if last.is_nan() { now } else { last };
        now
    });
    let numbers = chart.min.iter().chain(&chart.max).copied();
    numbers.chain(holds).map(f64::to_bits).collect()
}

proptest! {
    #[test]
    fn the_state_at_any_line_is_what_plain_reading_gives(
        log in log(), cuts in vec(0..90_usize, 0..30), give in vec(0..50_usize, 0..9)
    ) {
        let trace = index(&log, &cuts, small());
        let prefixes = prefixes(&log);
        for line in 0..=prefixes.len() {
            let got = state(&trace, &log, line as u64, &give);
            prop_assert_eq!(got, naive(&prefixes, line), "line {}", line);
        }
        prop_assert!(trace.locate(prefixes.len() as u64 + 1).is_none());
        let now = trace.reader().values();
        prop_assert_eq!(trace.reader().live(), now.len());
        for key in trace.keys() {
            let value = trace.reader().value(key.name());
            prop_assert_eq!(value.as_deref(), now.get(key.name()));
        }
    }

    #[test]
    fn cuts_make_no_difference(log in log(), cuts in vec(0..90_usize, 0..30), end: bool) {
        let mut whole = index(&log, &[], small());
        let mut cut = index(&log, &cuts, small());
        if end {
            whole.finish();
            cut.finish();
        }
        prop_assert_eq!(cut.counts(), whole.counts());
        prop_assert_eq!(cut.problems(), whole.problems());
        prop_assert_eq!(cut.unfinished(), whole.unfinished());
        prop_assert_eq!(format!("{:?}", cut.keys()), format!("{:?}", whole.keys()));
        for line in 0..=whole.lines() + 1 {
            prop_assert_eq!(cut.part(line), whole.part(line));
            let needed = |trace: &Trace| trace.locate(line).map(|replay| replay.needed());
            prop_assert_eq!(needed(&cut), needed(&whole));
        }
    }

    #[test]
    fn rows_tile_the_log(log in log(), cuts in vec(0..90_usize, 0..30)) {
        let mut trace = index(&log, &cuts, small());
        let before = trace.lines();
        let unfinished = trace.unfinished() > 0;
        let rows = all_rows(&trace, &log);
        prop_assert_eq!(rows.len() as u64, before + u64::from(unfinished));
        let text: Vec<u8> = rows.iter().flat_map(|row| {
            let end: &[u8] = if row.ended { b"\n" } else { b"" };
            [row.text, end].concat()
        }).collect();
        let mark = log.len() - text.len();
        prop_assert_eq!(&log[mark..], &text[..]);
        prop_assert_eq!(&log[..mark], if mark == 0 { &b""[..] } else { b"\xEF\xBB\xBF" });
        let counted = counts(&rows);
        drop(rows);
        trace.finish();
        prop_assert_eq!(counted, trace.counts());
        for (row, problem) in all_rows(&trace, &log).iter()
            .filter(|row| row.problem.is_some())
            .zip(trace.problems().kept())
        {
            prop_assert_eq!((row.line, row.problem), (problem.line, Some(problem.kind)));
        }
    }

    #[test]
    fn charts_of_the_index_and_of_the_bytes_are_the_same(
        log in log(), first in 1..40_u64, lines in 0..40_u64, width in 1..20_usize
    ) {
        let trace = index(&log, &[], Limits::default());
        let frame = Frame { first, last: first + lines, width };
        let complete = &log[..log.len() - usize::try_from(trace.unfinished()).unwrap()];
        for key in trace.keys() {
            let quick = key.series().chart(frame);
            let exact = exact_chart(complete, 1, key.name(), frame);
            prop_assert_eq!(bits(&quick), bits(&exact), "{}", key.name());
        }
    }

    #[test]
    fn a_log_that_grows_is_like_one_that_was_there(log in log(), at in 0..400_usize, end: bool) {
        let (head, tail) = log.split_at(at.min(log.len()));
        let mut trace = index(head, &[], small());
        // Whatever is asked in between changes nothing.
        let half = trace.lines() + u64::from(trace.unfinished() > 0);
        state(&trace, head, half, &[]);
        trace.finish();
        prop_assert_eq!(trace.lines(), half);
        state(&trace, head, half, &[]);
        trace.push(tail);
        let mut whole = index(&log, &[], small());
        if end {
            trace.finish();
            whole.finish();
        }
        prop_assert_eq!(trace.counts(), whole.counts());
        prop_assert_eq!(trace.unfinished(), whole.unfinished());
        prop_assert_eq!(trace.problems(), whole.problems());
        prop_assert_eq!(format!("{:?}", trace.keys()), format!("{:?}", whole.keys()));
        prop_assert_eq!(trace.reader().values(), whole.reader().values());
        prop_assert_eq!(trace.part(1), whole.part(1));
        let last = prefixes(&log).len() as u64;
        prop_assert_eq!(state(&trace, &log, last, &[]), state(&whole, &log, last, &[]));
    }
}

#[test]
fn a_half_line_counts_once_the_log_is_finished_and_can_grow_on() {
    let mut trace = index(b"[a]1\n[a]2", &[], small());
    let value = |trace: &Trace| trace.reader().values().to_json();
    assert_eq!((trace.lines(), &*value(&trace)), (1, r#"{"a":"1"}"#));
    trace.finish();
    assert_eq!((trace.lines(), trace.unfinished()), (2, 4));
    assert_eq!(value(&trace), r#"{"a":"2"}"#);
    assert_eq!(trace.keys()[0].last(), 2);
    trace.push(b"5\n");
    assert_eq!((trace.lines(), trace.unfinished()), (2, 0));
    assert_eq!(value(&trace), r#"{"a":"25"}"#);
    assert_eq!(
        (trace.keys()[0].sets(), trace.keys()[0].range()),
        (2, Some((1.0, 25.0)))
    );
}

#[test]
fn lines_longer_than_any_may_be_cost_no_more_than_their_start() {
    let huge = vec![b'x'; 3 * MAX_LINE];
    let log = [b"[a]1\n[b]2\n[c]", &huge[..], b"\n[a]3\n[]\n[d]", &huge[..]].concat();
    let trace = index(&log, &[], Limits { part: 8, ..small() });
    let most = 8 + MAX_LINE as u64 + 1;
    let prefixes = prefixes(&log);
    assert_eq!(prefixes.len(), 6);
    for line in 1..=6 {
        let needed = trace.locate(line).unwrap().needed();
        assert!(needed.end - needed.start <= most, "line {line}: {needed:?}");
        assert_eq!(
            state(&trace, &log, line, &[]).values(),
            model::read(prefixes[usize::try_from(line).unwrap() - 1]).values
        );
    }
    let rows = all_rows(&trace, &log);
    assert_eq!(rows[2].kind, RowKind::Refused);
    assert_eq!(rows[2].problem, Some(DiagnosticKind::LineTooLong));
    assert_eq!(rows[5].kind, RowKind::Refused);
}

#[test]
fn a_state_without_its_bytes_says_how_many_are_missing() {
    let log = b"[a]1\n[b]2\n";
    let trace = index(log, &[], small());
    let mut replay = trace.locate(2).unwrap();
    replay.push(&log[..7]);
    assert_eq!(replay.state().unwrap_err().bytes, 3);
    replay.push(&log[7..]);
    assert_eq!(replay.state().unwrap().to_feedback(), "[a]1\n[b]2\n");
}

#[test]
fn memory_is_bounded_where_keys_come_and_go() {
    let mut trace = Trace::default();
    let mut line = String::new();
    for n in 0..200_000_u32 {
        use std::fmt::Write;
        line.clear();
        write!(line, "[key{n}]{n}\n[key{n}]\n[same]{n}\n").unwrap();
        trace.push(line.as_bytes());
    }
    assert_eq!(trace.keys().len(), trace::MAX_TRACED);
    assert_eq!(
        trace.untraced(),
        400_000 - trace.keys().iter().map(trace::KeyTrace::sets).sum::<u64>()
    );
    let same = trace
        .keys()
        .iter()
        .find(|key| key.name() == "same")
        .unwrap();
    assert_eq!((same.sets(), same.last()), (200_000, 600_000));
    assert_eq!(same.range(), Some((0.0, 199_999.0)));
    let frame = Frame {
        first: 1,
        last: 600_000,
        width: 1,
    };
    assert!(same.series().chart(frame).resolution * 4096 >= 600_000);
    const { assert!(MAX_POINTS >= 3 * trace::MAX_TRACED) };
}

#[test]
fn a_key_without_a_number_has_none_in_its_chart() {
    let log = b"[a]1\n[b]5\n[a]\n[a]2\n[]\n[a]3\n[a]text\n[b]7\n[b]8\n[]\n";
    let trace = index(log, &[], Limits::default());
    let frame = Frame {
        first: 1,
        last: 10,
        width: 10,
    };
    let chart = |key: usize| trace.keys()[key].series().chart(frame);
    let holds = |chart: Chart| {
        let mut now = NONE;
        let last = chart.last.into_iter().map(move |last| {
            now = if last.is_nan() { now } else { last };
            now
        });
        last.map(|number| if number == NONE { 0.0 } else { number })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        holds(chart(0)),
        [1.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0]
    );
    assert_eq!(
        holds(chart(1)),
        [0.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0.0, 7.0, 8.0, 0.0]
    );
    let before = |first| {
        trace.keys()[0]
            .series()
            .chart(Frame { first, ..frame })
            .before
    };
    assert_eq!(
        (before(3), before(4), before(7), before(9)),
        (Some(1.0), None, Some(3.0), None)
    );
}
