//! The reader alone: the start and the end of a log, blocks, lines that are nearly simple.

use super::*;

fn read(log: &[u8]) -> (String, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut reader = Reader::new();
    reader.push(log, &mut found);
    (reader.finish(&mut found).to_json(), found)
}

#[test]
fn the_documented_example_gives_the_documented_values() {
    let log = "[info]Starting test\n[playbook]myPlaybook\n[info]\n[heartbeat]\n[testcase_id]001\n\
        [testcase_name]Initialization\n[progress]12\n[progress]15\n[testcase_id]002\n\
        [testcase_name]Setting up topology\n[progress]10\n";
    let expected = r#"{"playbook":"myPlaybook","testcase_id":"002","testcase_name":"Setting up topology","progress":"10"}"#;
    assert_eq!(read(log.as_bytes()), (expected.to_owned(), vec![]));
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    let (json, found) = read(b"\xEF\xBB\xBF[a]1\n\xEF\xBB\xBF[b]2\n");
    assert_eq!(json, r#"{"a":"1"}"#);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].column, found[0].offset), (2, 1, 8));

    let (_, found) = read(b"\xEF\xBB\xBFx");
    assert_eq!((found[0].line, found[0].column, found[0].offset), (1, 1, 3));

    let mut resumed = Reader::resume(Values::default());
    resumed.push(b"\xEF\xBB\xBF[a]1\n", &mut ());
    assert_eq!(resumed.counts().malformed, 1);
}

#[test]
fn half_a_byte_order_mark_is_text() {
    for (log, lines) in [
        (&b"\xEF\xBB"[..], 1),
        (b"\xEF\n", 1),
        (b"\xEF\xBB\xBF", 0),
        (b"", 0),
    ] {
        let mut reader = Reader::default();
        for byte in log {
            reader.push(&[*byte], &mut ());
            reader.push(&[], &mut ());
        }
        reader.end_input(&mut ());
        assert_eq!(reader.counts().malformed, lines);
        assert_eq!(reader.counts().lines(), lines);
        assert_eq!(reader.consumed(), log.len() as u64);
    }
}

#[test]
fn reading_goes_on_after_the_end_as_on_a_new_line() {
    let mut reader = Reader::new();
    reader.push(b"[a]1", &mut ());
    assert_eq!(reader.consumed(), 0);
    reader.end_input(&mut ());
    reader.end_input(&mut ());
    assert_eq!(reader.consumed(), 4);
    reader.push(b"[b]2\n", &mut ());
    assert_eq!(reader.consumed(), 9);
    assert_eq!(reader.counts().sets, 2);
}

#[test]
fn a_known_key_may_be_followed_by_anything() {
    let start = "[key]1\n";
    let end = "# the last bytes of a block go another way, so these are not the last\n";
    for (line, value) in [
        ("[key]2", Some("2")),
        ("[key]2 \t\r", Some("2")),
        ("[key]", None),
        ("[key] \r", None),
        ("[key]é", Some("é")),
        (
            "[key]a value that is longer than the window is",
            Some("a value that is longer than the window is"),
        ),
        ("[key", Some("1")),
        ("[kez]3", Some("1")),
        ("[key]]", Some("]")),
        (" [key]2", Some("2")),
    ] {
        let mut reader = Reader::new();
        reader.push(format!("{start}{line}\n{end}").as_bytes(), &mut ());
        assert_eq!(reader.values().get("key"), value, "{line}");
    }
}

#[test]
fn blocks_are_whole_lines_however_much_comes_at_once() {
    let line = "[key]0123456789\n";
    let log = line.repeat(3 * BLOCK / line.len()) + "[half";
    let mut reader = Reader::new();
    reader.push(log.as_bytes(), &mut ());
    assert_eq!(
        reader.counts().lines(),
        log.len() as u64 / line.len() as u64
    );
    let wide = "x".repeat(MAX_LINE - "[wide]".len());
    reader.push(format!("]1\n[wide]{wide}\n[after]1\n").as_bytes(), &mut ());
    let values = reader.finish(&mut ());
    assert_eq!(values.get("wide"), Some(wide.as_str()));
    assert_eq!(
        (values.get("half"), values.get("after")),
        (Some("1"), Some("1"))
    );
}
