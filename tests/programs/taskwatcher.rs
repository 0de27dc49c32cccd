//! The command under test: the same library call as the released binary.

fn main() -> std::process::ExitCode {
    taskwatcher::main()
}
