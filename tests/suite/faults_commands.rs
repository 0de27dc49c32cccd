//! Faults of commands: what they have read has changed before they act on it.

use crate::faults_database::lock;
use crate::lab;

#[test]
fn a_reservation_that_is_launched_just_now_is_ended_like_a_task() {
    let lab = lab();
    let (first, mut one) = lab.launch(&[], "one", &[]);
    let (second, _two) = lab.launch(&[], "two", &[]);
    one.tell("hold SIGTERM");
    // The second one is a reservation when it is read, and is launched before it can be dropped.
    lab.edit("UPDATE tasks SET status = 'RESERVED' WHERE id = 2");
    let lock = lock(&lab);
    let killer = lab.spawn(["kill", "1", "2"]);
    // The database being locked, the first one is ended after a while without it: all rows are read.
    assert_eq!(one.next_signal(), "SIGTERM");
    lock.execute_batch("UPDATE tasks SET status = 'RUNNING' WHERE id = 2; COMMIT")
        .expect("a launch");
    assert_eq!(second.wait().code(), 143);
    one.exit(0);
    let killer = killer.wait();
    assert_eq!(killer.code(), 0, "{killer:?}");
    assert!(killer.stderr.contains("locked"), "{killer:?}");
    assert_eq!(first.wait().code(), 0);
    assert_eq!(lab.history(&["--outcome", "killed"]).len(), 2);
    lab.assert_nothing_left();
}

#[test]
fn what_begins_while_the_database_is_to_be_emptied_stays() {
    let lab = lab();
    let _ = lab.reserve(&[]);
    lab.edit("UPDATE tasks SET expires = 1");
    let lock = lock(&lab);
    let emptied = lab.spawn(["initialize", "--force"]);
    // Dropping what has expired has to wait for the lock and gives up; then comes its own work.
    lab.wait_for_file("a word about the lock", || {
        let said = emptied.stderr_so_far();
        said.contains("locked").then_some(())
    });
    lock.execute_batch("UPDATE tasks SET status = 'RUNNING', expires = NULL; COMMIT")
        .expect("a launch");
    let output = emptied.wait();
    assert_eq!(output.code(), 1, "{output:?}");
    assert!(output.stderr.contains("1 task(s) run"), "{output:?}");
    assert_eq!(lab.rows("tasks").len(), 1);
}
