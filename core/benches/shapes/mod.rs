//! Logs to measure with: five shapes, and progress with clears in it.
//!
//! Keys come in random order, never in a cycle: a reader that guesses the next key from the last one
//! would look good on a cycle and be no better on a real log.

/// What a log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The keys of a test run, lines of about 17 bytes.
    Progress,
    /// Sixteen keys of many lengths.
    Shuffled,
    /// Ten thousand keys.
    Wide,
    /// Values of 200 to 2,000 bytes.
    Report,
    /// Half malformed, with comments and blank lines.
    Noise,
    /// Progress with one line in a hundred a clear.
    Clears,
    /// Wide with one line in a hundred a clear.
    WideClears,
}

impl Shape {
    /// Every shape.
    pub(crate) const ALL: [Self; 7] = [
        Self::Progress,
        Self::Shuffled,
        Self::Wide,
        Self::Report,
        Self::Noise,
        Self::Clears,
        Self::WideClears,
    ];

    /// A log of at least `len` bytes, always the same.
    pub(crate) fn log(self, len: usize) -> Vec<u8> {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut log = Vec::with_capacity(len + 4096);
        while log.len() < len {
            self.line(&mut random, &mut log);
            log.push(b'\n');
        }
        log
    }

    fn line(self, random: &mut Random, log: &mut Vec<u8>) {
        match self {
            Self::Clears if random.below(100) == 0 => key(random.pick(&PROGRESS), log),
            Self::Progress | Self::Clears => progress(random, log),
            Self::Shuffled => {
                key(random.pick(&SHUFFLED), log);
                number(random.below(1000), log);
            }
            Self::Wide => {
                wide_key(random, log);
                number(random.below(1000), log);
            }
            Self::WideClears => {
                wide_key(random, log);
                if random.below(100) > 0 {
                    number(random.below(1000), log);
                }
            }
            Self::Report => {
                key(random.pick(&SHUFFLED), log);
                for _ in 0..200 + random.below(1801) {
                    log.push(b' ' + u8::try_from(random.below(95)).unwrap_or_default());
                }
                log.push(b'.');
            }
            Self::Noise => noise(random, log),
        }
    }
}

const PROGRESS: [&str; 11] = [
    "info",
    "playbook",
    "run",
    "heartbeat",
    "testcase_id",
    "testcase_name",
    "progress",
    "playlist_id",
    "start_time",
    "end_time",
    "step",
];

const SHUFFLED: [&str; 16] = [
    "a",
    "id",
    "run",
    "step",
    "phase",
    "worker",
    "message",
    "progress",
    "testcase1",
    "start_time",
    "playlist_id",
    "playlist_pos",
    "testcase_name",
    "playbook_path",
    "testcase_result",
    "testcase_progress",
];

fn progress(random: &mut Random, log: &mut Vec<u8>) {
    key(random.pick(&PROGRESS), log);
    match random.below(8) {
        0 => log.extend_from_slice(b"Setting up"),
        1 => log.extend_from_slice(b"myPlaybook"),
        _ => number(random.below(10_000), log),
    }
}

fn noise(random: &mut Random, log: &mut Vec<u8>) {
    match random.below(10) {
        0 => log.extend_from_slice(b"2024-03-05 09:12:44 INFO starting"),
        1 => log.extend_from_slice(b"[unclosed key"),
        2 => log.extend_from_slice(b"[two words]12"),
        3 => log.extend_from_slice(b"[1st]12"),
        4 => log.extend_from_slice(b"progress=12"),
        5 => log.extend_from_slice(b"# a comment in between"),
        6 => {}
        _ => progress(random, log),
    }
}

fn wide_key(random: &mut Random, log: &mut Vec<u8>) {
    log.extend_from_slice(b"[key_");
    number(random.below(10_000), log);
    log.push(b']');
}

fn key(key: &str, log: &mut Vec<u8>) {
    log.push(b'[');
    log.extend_from_slice(key.as_bytes());
    log.push(b']');
}

fn number(number: u64, log: &mut Vec<u8>) {
    log.extend_from_slice(number.to_string().as_bytes());
}

/// A small generator (xorshift), so that a shape never changes with a library.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(from.len() as u64));
        from[at.unwrap_or_default()]
    }
}
