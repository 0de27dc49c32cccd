//! The original's parser and ours on the part of the grammar that both understand: the same values
//! in the same order, on generated files.
//!
//! What is left out here because the two differ: `[]` (1.7 ignores it, though it documents that it
//! clears all), keys that 1.7 does not take (only letters, digits, `-` and `_`) or we do not (a digit
//! first), other white space than space and tab at the ends of a line (1.7 drops any Unicode white
//! space), a CR inside a line (a line end for 1.7), a BOM (text for 1.7), and bytes that are not UTF-8
//! (which end 1.7).

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use taskwatcher_tests::Original;

use crate::lab;

/// How many files are compared.
const FILES: usize = 300;

fn key() -> impl Strategy<Value = String> {
    // Few keys, so that they are set, cleared and set again.
    prop_oneof![
        4 => "[a-c]",
        2 => "(progress|testcase_id|testcase-name|playbook)",
        1 => "[A-Za-z_-][A-Za-z0-9_-]{0,40}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    let inner = "[ -~äßé→日本𝄞\\[\\]#\"'\\\\]{0,40}";
    let last = "[!-~äß→日𝄞]";
    (inner, last).prop_map(|(inner, last)| inner + &last)
}

fn pair() -> impl Strategy<Value = String> {
    (key(), value()).prop_map(|(key, value)| format!("[{key}]{value}"))
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => pair(),
        3 => key().prop_map(|key| format!("[{key}]")),
        1 => (pair(), "[ \t]{0,3}", "[ \t]{0,3}").prop_map(|(pair, before, after)| before + &pair + &after),
        1 => "#[ -~]{0,20}",
        1 => Just(String::new()),
        1 => "[a-z][ -~]{0,20}",
        1 => Just("[a".to_owned()),
        1 => Just("[a b]c".to_owned()),
    ]
}

fn file() -> impl Strategy<Value = String> {
    (vec(line(), 0..60), any::<bool>()).prop_map(|(lines, ends)| {
        let text = lines.join("\n");
        if ends { text + "\n" } else { text }
    })
}

#[test]
fn both_parsers_give_the_same_values_in_the_same_order() {
    let name = "both_parsers_give_the_same_values_in_the_same_order";
    let Some(original) = Original::find(name) else {
        return;
    };
    let lab = lab();
    let mut runner = TestRunner::deterministic();
    let mut names = Vec::new();
    for number in 0..FILES {
        let text = file().new_tree(&mut runner).expect("a file").current();
        let path = lab.path(&format!("{number}.log"));
        fs::write(&path, text).expect("a file");
        names.push(path);
    }
    let mut python = original.python(&lab);
    let script = "
import json, sys
from taskwatcher.parse import Parse
for name in sys.argv[1:]:
    parse = Parse()
    parse.dict = {}
    parse.load_file(file=name)
    print(json.dumps(parse.dict, ensure_ascii=False, separators=(',', ':')))
";
    python.args(["-c", script]).args(&names);
    let theirs = lab.start(python).wait().success();
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), FILES);
    let mut total = 0;
    for (name, theirs) in names.iter().zip(theirs) {
        let ours = lab
            .run(["parse", name.to_str().expect("a plain name")])
            .success();
        let pairs =
            |json: &str| taskwatcher_core::Values::from_json(json.trim()).expect("an object");
        total += pairs(theirs).len();
        assert_eq!(pairs(&ours), pairs(theirs), "{}", name.display());
    }
    assert!(total > FILES, "the files hold hardly any values: {total}");
}
