//! What the modules answer about many files. This test asks the crate as it is on this machine and leaves
//! the answers in `target/tmp/answers`; `wasm/test` then asks the modules the same in `alike.mjs`.

#![cfg(not(target_family = "wasm"))]

mod fixtures;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use taskwatcher_wasm::{History, Log};

/// Questions and answers, one a line.
#[derive(Default)]
struct Answers(String);

impl Answers {
    fn text(&mut self, question: &str, answer: &str) {
        let answer = answer.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(self.0, "{question}: {answer}").expect("a string takes all");
    }

    fn tried(&mut self, question: &str, answer: Result<String, String>) {
        let answer = answer.unwrap_or_else(|error| format!("refused: {error}"));
        self.text(question, &answer);
    }

    fn numbers(&mut self, question: &str, answer: Result<Vec<f64>, String>) {
        // The bits, because both sides write numbers differently.
        let bits = |number: &f64| {
            if number.is_nan() {
                "NaN".to_owned()
            } else {
                format!("{:016x}", number.to_bits())
            }
        };
        let text = answer.map(|numbers| numbers.iter().map(bits).collect::<Vec<_>>().join(" "));
        self.tried(question, text);
    }
}

fn part(bytes: &[u8], range: &[f64]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = |number: f64| number as usize;
    bytes[place(range[0])..place(range[1])].to_vec()
}

fn ask_log(bytes: &[u8]) -> Answers {
    let mut answers = Answers::default();
    let mut log = Log::new();
    log.push(bytes);
    answers.text("summary", &log.summary());
    answers.text("keys", &log.keys(0.0, 500.0));
    answers.text("problems", &log.problems(3.0, 500.0));
    let mut line = 1.0;
    while let Ok(block) = log.block(line) {
        answers.numbers("block", Ok(block.clone()));
        let bytes = part(bytes, &block);
        let last = line + block[3];
        answers.text("rows", &log.rows(&bytes, line, line, 40.0));
        answers.text("rows", &log.rows(&bytes, line, last - 3.0, 9.0));
        answers.numbers("search", Ok(log.search(&bytes, line, "progress", false)));
        answers.numbers("search", Ok(log.search(&bytes, line, "ERROR", true)));
        for key in [0.0, 2.0] {
            let chart = log.series_of(&bytes, line, key, line + 5.0, last, 60.0);
            answers.numbers("series of", chart);
        }
        line = last;
    }
    for key in [0.0, 1.0, 5.0, 99_999.0] {
        answers.numbers("series", log.series(key, 2.0, line, 100.0));
    }
    for share in [0.0, 0.1, 0.37, 0.5, 0.93, 1.0] {
        let line = (share * (line - 1.0)).floor();
        let needed = log.locate(line);
        answers.numbers("locate", needed.clone());
        let Ok(needed) = needed else { continue };
        log.feed(&part(bytes, &needed)).expect("a line was located");
        for form in ["pairs", "json", "feedback", "xml"] {
            answers.tried(form, log.state(form));
        }
    }
    answers.numbers("locate", log.locate(line + 10.0));
    log.finish();
    answers.text("finished", &log.summary());
    answers.text("finished", &log.keys(0.0, 500.0));
    log.push(b"]\n[more]1\n[more");
    log.finish();
    answers.text("grown", &log.summary());
    answers.text("grown", &log.keys(0.0, 500.0));
    answers
}

fn ask_history(history: Result<History, String>) -> Answers {
    let mut answers = Answers::default();
    let mut history = match history {
        Ok(history) => history,
        Err(error) => {
            answers.text("open", &error);
            return answers;
        }
    };
    answers.text("info", &history.info());
    answers.tried("tasks", history.tasks());
    for rows in [1.0, 100.0, 1e6] {
        let loaded = history.load(rows).map(|rows| vec![rows]);
        answers.numbers("load", loaded);
    }
    for column in ["id", "endtime", "exitcode", "elapsed_ms", "odd"] {
        answers.numbers("numbers", history.numbers(column));
    }
    for column in [
        "taskname",
        "outcome",
        "termsignal",
        "termerror",
        "command",
        "info2",
        "id",
    ] {
        let codes = history.codes(column);
        let codes = codes.map(|codes| codes.into_iter().map(f64::from).collect());
        answers.numbers("codes", codes);
        answers.tried("words", history.words(column));
    }
    answers.numbers("timelines", Ok(history.timelines(1.0, 30.0)));
    for (first, count) in [(0.0, 2.0), (350.0, 5.0), (1e9, 5.0), (0.0, 1e9)] {
        answers.tried("rows", history.rows(first, count));
    }
    answers
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("answers");
    fs::create_dir_all(&folder).expect("a folder for the answers");
    folder
}

fn leave(path: &Path, answers: &Answers) {
    let name = path.file_name().expect("a name").to_string_lossy();
    fs::write(folder().join(format!("{name}.answers")), &answers.0).expect("the answers");
}

#[test]
fn logs() {
    for path in fixtures::logs(&folder()) {
        let bytes = fs::read(&path).expect("a log");
        let answers = ask_log(&bytes);
        assert!(answers.0.contains("finished: "), "{}", path.display());
        fs::write(folder().join(path.file_name().expect("a name")), bytes).expect("a copy");
        leave(&path, &answers);
    }
}

#[test]
fn histories() {
    let folder = folder();
    for path in fixtures::databases(&folder) {
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let had_log = Path::new(&log).exists();
        let answers = ask_history(History::open_file(&path));
        if !had_log {
            let _ = fs::remove_file(log);
        }
        leave(&path, &answers);
    }
    for path in fixtures::exports(&folder) {
        let answers = ask_history(History::parse(&fs::read(&path).expect("an export")));
        leave(&path, &answers);
    }
    let answer = |name: &str| {
        fs::read_to_string(folder.join(format!("{name}.answers"))).expect("the answers")
    };
    assert!(answer("logged.db").contains("only in the log"));
    assert!(!answer("loglost.db").contains("only in the log"));
    assert!(answer("loglost.db").contains("which is missing: what is shown may be stale"));
    assert!(answer("newer.db").contains("what is newer is not shown"));
    assert!(answer("odd.json").contains("\"taskid\":9"));
    assert!(answer("original.db").contains("\"version\":0"));
    for (name, found) in [
        ("empty.db", "the file is empty"),
        ("foreign.db", "it has no table 'tasks'"),
        ("text.db", "no SQLite database, it begins with"),
        ("cut.json", "EOF while parsing"),
        ("other.json", "speedscope"),
        ("wrong.json", "row 2 in \"history\""),
    ] {
        let text = answer(name);
        assert!(
            text.starts_with("open: ") && text.contains(found),
            "{name}: {text}"
        );
        assert!(
            text.contains("supported are databases of taskwatcher 1.7"),
            "{name}: {text}"
        );
    }
    for name in ["cut.db", "holes.db"] {
        assert!(
            answer(name).contains("the database cannot be read: "),
            "{name}"
        );
    }
}
