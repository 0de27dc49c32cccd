//! A running task as its launcher knows it, and the options that another launcher would need to go
//! on with it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use taskwatcher_core::json::Json;
use taskwatcher_core::outcome::Exit;
use taskwatcher_core::record::Task as Row;
use taskwatcher_core::status::Status;

use super::machine::{Leftovers, Policy};
use crate::sys::clock;
use crate::sys::file::Version;

/// The options column: all that is not a column of its own. What cannot be decoded, because a newer
/// version wrote it or the row is damaged, is read as the careful value of that option alone: nothing is
/// deleted, nothing is ended that would not have been, and nobody gets less time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Seconds after which the task is ended whatever it does.
    #[serde(deserialize_with = "careful")]
    pub max_time: Option<f64>,
    /// Seconds between the first signal and SIGKILL.
    #[serde(deserialize_with = "careful_grace")]
    pub grace: f64,
    /// What happens with processes that outlive the command.
    #[serde(deserialize_with = "careful_leftovers")]
    pub leftovers: Leftovers,
    /// Whether the feedback file stays.
    #[serde(deserialize_with = "careful_keep")]
    pub keep_feedback: bool,
    /// Whether its launcher was detached, so that the command's session is the task's alone.
    #[serde(deserialize_with = "careful")]
    pub detached: bool,
    /// When it was launched, on the monotonic clock of its boot.
    #[serde(deserialize_with = "careful")]
    pub launched: Option<Duration>,
    /// What stood in the feedback file's place at launch; only what differs from it is this task's.
    #[serde(deserialize_with = "careful")]
    pub before: Option<Version>,
    /// The command's own end, once it has left others that the task goes on with.
    #[serde(deserialize_with = "careful")]
    pub command_end: Option<CommandEnd>,
}

/// The grace of a task that says none, as on the command line.
const GRACE: f64 = 5.0;

impl Default for Options {
    fn default() -> Self {
        Self {
            max_time: None,
            grace: GRACE,
            leftovers: Leftovers::Leave,
            keep_feedback: true,
            detached: false,
            launched: None,
            before: None,
            command_end: None,
        }
    }
}

fn decoded<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).ok())
}

fn careful<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    decoded(deserializer).map(Option::unwrap_or_default)
}

fn careful_grace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let grace = decoded(deserializer)?;
    Ok(grace
        .filter(|grace| seconds(*grace).is_some())
        .unwrap_or(GRACE))
}

fn careful_leftovers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Leftovers, D::Error> {
    decoded(deserializer).map(|mode| mode.unwrap_or(Leftovers::Leave))
}

fn careful_keep<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    decoded(deserializer).map(|keep| keep.unwrap_or(true))
}

/// How a command ended, while others of its tree ran on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandEnd {
    /// What its parent saw.
    pub exit: Exit,
    /// Time from its start.
    pub elapsed: Duration,
    /// Unix seconds.
    pub endtime: i64,
    /// How many processes outlived it.
    pub leftovers: usize,
}

impl Options {
    /// Those of a task's row.
    pub fn of(row: &Row) -> Self {
        row.options.as_ref().and_then(Json::to).unwrap_or_default()
    }

    /// The rules of the machine; `timeout` is a column of its own.
    pub fn policy(&self, timeout: Option<f64>) -> Policy {
        Policy {
            timeout: timeout.and_then(seconds),
            max_time: self.max_time.and_then(seconds),
            grace: seconds(self.grace).unwrap_or(Duration::from_secs_f64(GRACE)),
            leftovers: self.leftovers,
        }
    }
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// A task that its launcher has claimed.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its id.
    pub id: i64,
    /// The mark of this run.
    pub run: String,
    /// The database, an absolute path.
    pub database: PathBuf,
    /// The feedback file, an absolute path, if the task gives feedback.
    pub feedfile: Option<PathBuf>,
    /// Seconds without heartbeat after which it is ended.
    pub timeout: Option<f64>,
    /// The other options.
    pub options: Options,
}

/// Every change of status with its time. The first and the last 500 are kept, so that a task that
/// changes for weeks stays a row of bounded size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    changes: Vec<(u64, Status)>,
}

impl Timeline {
    const ENDS: usize = 500;

    /// A timeline that begins now.
    pub fn new(status: Status) -> Self {
        let mut timeline = Self::default();
        timeline.push(status);
        timeline
    }

    /// The status has changed just now.
    pub fn push(&mut self, status: Status) {
        if self.changes.len() == 2 * Self::ENDS {
            self.changes.remove(Self::ENDS);
        }
        let now = u64::try_from(clock::wall().as_millis()).unwrap_or(u64::MAX);
        self.changes.push((now, status));
    }

    /// Reads what [`Self::to_json`] wrote.
    pub fn parse(json: &Json) -> Option<Self> {
        let changes: Vec<(u64, &str)> = json.to()?;
        let changes = changes
            .into_iter()
            .map(|(time, word)| Some((time, Status::parse(word)?)));
        Some(Self {
            changes: changes.collect::<Option<_>>()?,
        })
    }

    /// The JSON of the timeline column: an array of `[unix ms, status]`.
    pub fn to_json(&self) -> String {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|(time, status)| (time, status.as_str()))
            .collect();
        serde_json::to_string(&changes).expect("numbers and words are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwatcher_core::json::Kind;

    #[test]
    fn what_cannot_be_decoded_costs_that_option_alone_and_is_taken_for_the_careful_one() {
        let options = |text: &str| {
            Options::of(&Row {
                options: Json::parse(text, Kind::Object),
                ..Row::default()
            })
        };
        let newer = options(
            r#"{"grace":2,"leftovers":"freeze","keep_feedback":false,"max_time":"soon","detached":true,"x":[]}"#,
        );
        let expected = Options {
            grace: 2.0,
            leftovers: Leftovers::Leave,
            keep_feedback: false,
            detached: true,
            ..Options::default()
        };
        assert_eq!(newer, expected);
        for damaged in ["", "[1]", "{}", r#"{"grace":-1,"keep_feedback":7}"#] {
            let options = options(damaged);
            assert!(options.keep_feedback, "{damaged}");
            assert_eq!(options.policy(None).grace, Duration::from_secs(5));
            assert_eq!(options.leftovers, Leftovers::Leave);
        }
    }

    #[test]
    fn a_timeline_keeps_both_ends() {
        let mut timeline = Timeline::new(Status::Reserved);
        for _ in 0..1_500 {
            timeline.push(Status::Silent);
        }
        timeline.push(Status::Stalled);
        assert_eq!(timeline.changes.len(), 1_000);
        assert_eq!(timeline.changes[0].1, Status::Reserved);
        assert_eq!(timeline.changes[999].1, Status::Stalled);
        let json = Json::parse(&timeline.to_json(), Kind::Array).unwrap();
        assert_eq!(Timeline::parse(&json), Some(timeline));
    }
}
