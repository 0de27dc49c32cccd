//! The original 1.7: its databases open in place, it reads ours, and its producer runs under us.

use serde_json::{Value, json};
use taskwatcher_tests::{Lab, Original, rows};

use crate::{id, lab, number, text};

/// A database as 1.7 leaves it: two finished tasks, one of them run by its own launcher, and a
/// reservation.
fn made_by_the_original(original: &Original, lab: &Lab) {
    let made = original.control(lab, &["database", "--initialize"]);
    assert_eq!(made.code(), 0, "{made:?}");
    let mut python = original.python(lab);
    let script = "
import sys, time
from taskwatcher.database import Database
from taskwatcher.launch import Launch
database = Database(db=sys.argv[1])
database.add_history(entry=dict(taskid='41', taskname='older', info1='one', info2='', info3=None,
    termsignal=9, termerror='TBD', starttime=1500000000, endtime=1500000060, duration=60,
    feedback='to be implemented'))
Launch(db=sys.argv[1], name='truth', info1='a', info2='b', info3='c').execute('true')
print(database.reserve_task(taskname='waiting'))
";
    python.args(["-c", script]).arg(lab.database_file());
    let made = lab.start(python).wait();
    assert_eq!(made.code(), 0, "{made:?}");
}

#[test]
fn a_database_of_the_original_opens_in_place() {
    let Some(original) = Original::find("a_database_of_the_original_opens_in_place") else {
        return;
    };
    let lab = lab();
    made_by_the_original(&original, &lab);
    let before = rows(&lab.database(), "SELECT * FROM history ORDER BY id");
    let history = lab.history(&[]);
    assert_eq!(history.len(), 2);
    let old = &history[0];
    assert_eq!(
        (id(old), text(old, "taskname"), text(old, "info1")),
        (41, "older", "one")
    );
    assert_eq!(
        (number(old, "starttime"), number(old, "duration")),
        (1_500_000_000, 60)
    );
    assert_eq!(text(old, "termsignal"), "9");
    assert_eq!(old["outcome"], Value::Null);
    assert_eq!(old["feedback"], Value::Null, "no JSON object in 1.7");
    assert_eq!(text(&history[1], "taskname"), "truth");
    // What was there is there unchanged, column by column.
    for (kept, was) in lab.rows("history").iter().zip(&before) {
        for (column, value) in was {
            assert_eq!(&kept[column], value, "{column}");
        }
    }
    // Its reservation of just now can be launched, and ids go on above all it has seen.
    let waiting = id(&lab.only_task());
    let _ = lab
        .run(["launch", "--taskid", &waiting.to_string(), "--", "true"])
        .success();
    let next = lab.reserve(&[]);
    assert!(next > 41, "{next} may have been given out by 1.7");
    assert_eq!(
        lab.run(["history"]).code(),
        0,
        "the table shows old rows, too"
    );
}

#[test]
fn a_task_of_a_dead_original_launcher_is_cleared_away() {
    let Some(original) = Original::find("a_task_of_a_dead_original_launcher_is_cleared_away")
    else {
        return;
    };
    let lab = lab();
    assert_eq!(
        original.control(&lab, &["database", "--initialize"]).code(),
        0
    );
    // As 1.7 leaves it when its launcher is killed; it wrote no identity, so only the row's age
    // speaks.
    lab.edit(
        "INSERT INTO tasks (id, name, status, pid, feedback, reservetime, starttime, timeout)
         VALUES (7, 'ghost', 'RUNNING', 4194304, 0, 1500000000, 1500000000, 30)",
    );
    let listed = lab.list();
    // Nobody can know what became of it: it may be shown or archived, never block and never be
    // signalled.
    assert!(listed.len() <= 1);
    let next = lab.reserve(&[]);
    assert!(next > 7);
}

#[test]
fn the_original_lists_our_tasks_and_history() {
    let Some(original) = Original::find("the_original_lists_our_tasks_and_history") else {
        return;
    };
    let lab = lab();
    let _ = lab
        .run(["launch", "--name", "done", "--", "sh", "-c", "exit 3"])
        .code();
    let options = [
        "--name",
        "ours",
        "--info1",
        "i",
        "--feedback",
        "--timeout",
        "50",
    ];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    puppet.say("[progress]3");
    let reserved = lab.reserve(&["--name", "kept"]);
    let task = id(&lab.list()[0]);
    let listed = original.control(&lab, &["task", "--list", "--json"]);
    assert_eq!(listed.code(), 0, "{listed:?}");
    let tasks: Value = serde_json::from_str(&listed.stdout).expect("JSON of 1.7");
    let ours = &tasks[task.to_string()];
    assert_eq!(
        (text(ours, "name"), text(ours, "status")),
        ("ours", "RUNNING")
    );
    assert_eq!(number(ours, "pid"), i64::from(puppet.pid()));
    assert_eq!((number(ours, "feedback"), number(ours, "timeout")), (1, 50));
    assert_eq!(text(&tasks[reserved.to_string()], "status"), "RESERVED");
    let history = original.control(&lab, &["history", "--list"]);
    let first = history.stdout.lines().next().expect("a line");
    let history: Value = serde_json::from_str(first).expect("JSON of 1.7");
    let done = history
        .as_object()
        .and_then(|it| it.values().next())
        .expect("a record");
    assert_eq!(
        (text(done, "taskname"), &done["termsignal"]),
        ("done", &Value::Null)
    );
    // Its tables for people and its update work on our rows, too.
    assert_eq!(original.control(&lab, &["task", "--list"]).code(), 0);
    assert_eq!(
        original
            .control(&lab, &["history", "--list", "--human"])
            .code(),
        0
    );
    let update = original.control(&lab, &["database", "--update"]);
    assert_eq!(update.code(), 0, "{update:?}");
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(lab.history(&[])[1]["feedback"], json!({"progress": "3"}));
    let history = original.control(&lab, &["history", "--list"]);
    assert!(
        history.stdout.contains("progress"),
        "feedback is text that 1.7 can print"
    );
}

#[test]
fn the_real_producer_runs_under_us() {
    let Some(original) = Original::find("the_real_producer_runs_under_us") else {
        return;
    };
    let lab = lab();
    let task = lab.reserve(&["--name", "progress"]);
    let file = lab.feedback_file(task);
    // 1.7 wants the folder to be there before it writes.
    let python = original.module(&lab, "testprog");
    let mut command = lab.command([
        "launch",
        "--taskid",
        &task.to_string(),
        "--timeout",
        "20",
        "--",
    ]);
    command
        .arg(python.get_program())
        .args(python.get_args())
        .args([
            "--scenario",
            "progressing",
            "--delay",
            "0.002",
            "--feedback",
        ])
        .arg(&file)
        .envs(
            python
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let launcher = lab.start(command);
    // Answers while it writes, at two moments that the file itself marks.
    for mark in ["[progress]30\n", "[progress]70\n"] {
        lab.wait_for_file(mark, || {
            std::fs::read_to_string(&file)
                .ok()
                .filter(|text| text.contains(mark))
        });
        let values = lab.feedback(task);
        assert_eq!(text(&values, "playbook"), "testprogr");
        let progress: u32 = text(&values, "progress").parse().expect("a percentage");
        assert!((1..=100).contains(&progress), "{values}");
        assert!(
            text(&values, "testcase_name").starts_with("testcase_nb_"),
            "{values}"
        );
    }
    let output = launcher.wait();
    assert_eq!(output.code(), 0, "{output:?}");
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "taskname")),
        ("succeeded", "progress")
    );
    assert_eq!(record["feedback"]["progress"], "100");
    let order: Vec<&str> = record["feedback"]
        .as_object()
        .expect("values")
        .keys()
        .map(String::as_str)
        .collect();
    assert!(order.contains(&"end_time"), "{order:?}");
    lab.assert_nothing_left();
}

#[test]
fn what_the_original_left_in_the_tables_ends_as_it_promised() {
    let lab = lab();
    lab.initialize();
    // A reservation lives for 5 s; values that were stored are the last ones that are known.
    lab.edit(
        "INSERT INTO tasks (id, name, status, feedback, reservetime) VALUES (8, 'n', 'RESERVED', 0, 1500000000);
         INSERT INTO tasks (id, name, status, pid, feedback, reservetime, starttime)
         VALUES (9, 'm', 'RUNNING', 4194304, 1, 1500000000, 1500000000);
         INSERT INTO feedbacks (id, feedback, lastupdate) VALUES (9, '{\"a\":\"1\"}', 1500000009);",
    );
    let _ = lab.reserve(&["--name", "n", "--unique"]);
    let record = lab.only_record();
    assert_eq!((id(&record), text(&record, "outcome")), (9, "lost"));
    assert_eq!(record["feedback"]["a"], "1");
}
