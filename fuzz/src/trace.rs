//! The index of a log against the plain reader.

use arbitrary::Unstructured;
use taskwatcher_core::Reader;
use taskwatcher_core::trace::{self, Limits, Trace};

/// States at lines of an index with tiny parts are what plain reading gives, and its rows are the lines.
pub fn trace(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let [part, snapshots, piece]: [u8; 3] = input.arbitrary().unwrap_or([9, 99, 5]);
    let bytes = input.take_rest();
    let mut trace = Trace::new(Limits {
        snapshots: usize::from(snapshots),
        problems: usize::MAX,
        part: u64::from(part),
    });
    for piece in bytes.chunks(usize::from(piece).max(1)) {
        trace.push(piece);
    }
    let last = trace.lines() + u64::from(trace.unfinished() > 0);
    let mut end = if bytes.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let mut next = 1;
    while let Some(part) = trace.part(next) {
        assert_eq!(part.first_line, next);
        let range = |range: std::ops::Range<u64>| {
            let place = |offset: u64| usize::try_from(offset).expect("an offset in memory");
            &bytes[place(range.start)..place(range.end)]
        };
        let kept = trace.problems().kept();
        let mut rows = 0;
        for row in trace::rows(range(part.bytes.clone()), next, next..u64::MAX, kept) {
            assert_eq!(row.line, next + rows);
            rows += 1;
            end += row.text.len() + usize::from(row.ended);
            // Enough lines of a long log.
            if row.line % (1 + last / 40) == 0 {
                let mut replay = trace.locate(row.line).expect("a line of the log");
                replay.push(range(replay.needed()));
                let state = replay.state().expect("all bytes were given");
                let mut plain = Reader::new();
                plain.push(&bytes[..end], &mut ());
                assert_eq!(state.values(), plain.finish(&mut ()));
            }
        }
        assert_eq!(rows, part.lines);
        next += part.lines;
    }
    assert_eq!(next, last + 1);
    trace.finish();
    assert_eq!(trace.lines(), last);
}
