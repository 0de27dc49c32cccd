//! The log that the format was described with.

use taskwatcher_core::Reader;

const LOG: &str = "\
[info]Starting test
[playbook]myPlaybook
[info]
[heartbeat]
[testcase_id]001
[testcase_name]Initialization
[progress]12
[progress]15
[testcase_id]002
[testcase_name]Setting up topology
[progress]10
";

#[test]
fn the_documented_example_gives_the_documented_values() {
    let mut reader = Reader::new();
    reader.push(LOG.as_bytes(), &mut ());
    assert_eq!(
        reader.finish(&mut ()).to_json(),
        r#"{"playbook":"myPlaybook","testcase_id":"002","testcase_name":"Setting up topology","progress":"10"}"#
    );
}
