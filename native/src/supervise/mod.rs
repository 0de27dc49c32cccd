//! The launcher: from a claimed row to a row in the history.
//!
//! [`machine`] decides, [`run`] waits and does. Around them: [`launch`] claims and starts,
//! [`heartbeat`] looks at the feedback file, [`tree`] knows the task's processes, [`finish`]
//! archives, [`recover`] cleans up after launchers that died, and [`adopt`] goes on with what they
//! left running.

mod adopt;
pub mod arguments;
mod finish;
mod heartbeat;
pub mod launch;
pub mod machine;
pub mod recover;
mod run;
pub mod task;
mod tree;

pub use self::finish::SURVIVORS;
