//! The `taskwatcher` command.

fn main() -> std::process::ExitCode {
    taskwatcher::main()
}
