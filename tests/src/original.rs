//! The original Python package, for what both must understand.
//!
//! `TASKWATCHER_ORIGINAL` names the folder it was installed into. Where it is not set, tests that
//! need it say so and do nothing else.

use std::path::PathBuf;
use std::process::Command;

use crate::lab::Lab;
use crate::report::skipped;
use crate::running::Output;

/// An installed package 1.7.
pub struct Original {
    folder: PathBuf,
}

impl Original {
    /// The installed package; prints why a test is skipped when there is none.
    #[must_use]
    pub fn find(test: &str) -> Option<Self> {
        let Some(folder) = std::env::var_os("TASKWATCHER_ORIGINAL") else {
            let why = "TASKWATCHER_ORIGINAL does not name a folder with the package 1.7";
            skipped(&format!("{test}: {why}"));
            return None;
        };
        let folder = PathBuf::from(folder);
        assert!(
            folder.join("taskwatcher/control.py").is_file(),
            "TASKWATCHER_ORIGINAL={} holds no package taskwatcher",
            folder.display()
        );
        Some(Self { folder })
    }

    /// A module of the package as a program.
    #[must_use]
    pub fn module(&self, lab: &Lab, module: &str) -> Command {
        let mut command = self.python(lab);
        command.args(["-m", &format!("taskwatcher.{module}")]);
        command
    }

    /// A Python that knows the package.
    #[must_use]
    pub fn python(&self, lab: &Lab) -> Command {
        let mut command = lab.program("python3");
        command
            .env("PYTHONPATH", &self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // The package's own warnings about itself are none of ours.
            .env("PYTHONWARNINGS", "ignore");
        command
    }

    /// The original's controller on the lab's database.
    #[must_use]
    #[track_caller]
    pub fn control(&self, lab: &Lab, arguments: &[&str]) -> Output {
        let mut command = self.module(lab, "control");
        command.arg("--db").arg(lab.database_file()).args(arguments);
        lab.start(command).wait()
    }
}
