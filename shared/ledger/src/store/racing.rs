//! Child processes for tests that race: this test program again, running the same test, which asks for its [`task`] first.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};

const FOLDER: &str = "RACING_FOLDER";
const NUMBER: &str = "RACING_NUMBER";

/// A child that has said that it is ready.
pub(crate) struct Racer {
    process: Child,
    stdin: ChildStdin,
    stderr: BufReader<ChildStderr>,
}

impl Racer {
    /// Starts the test `name` (a path such as `outputs::tests::the_batches_are_whole`) in a process of its own.
    pub(crate) fn start(name: &str, folder: &Path, number: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .env(NUMBER, number.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let mut racer = Self { process, stdin, stderr };
        assert_eq!(racer.line(), "ready", "{name} did not start");
        racer
    }

    /// Lets the child go on.
    pub(crate) fn go(&mut self) {
        writeln!(self.stdin).unwrap();
    }

    /// The next line that the child says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until the child has ended well, and gives the last line it said.
    pub(crate) fn finish(self) -> String {
        let Self { mut process, stderr, .. } = self;
        let lines: Vec<String> = stderr.lines().map(Result::unwrap).collect();
        assert!(process.wait().unwrap().success(), "{}", lines.join("\n"));
        lines.last().cloned().unwrap_or_default()
    }

    /// Ends the child between two instructions, without warning.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Starts `count` children, lets them go at once, and gives the last lines they said.
pub(crate) fn race(name: &str, folder: &Path, count: usize) -> Vec<String> {
    let mut racers: Vec<_> = (0..count).map(|number| Racer::start(name, folder, number)).collect();
    for racer in &mut racers {
        racer.go();
    }
    racers.into_iter().map(Racer::finish).collect()
}

/// In a child: the folder and the number that it was started with, or `None` if nobody started it.
pub(crate) fn task() -> Option<(PathBuf, usize)> {
    Some((std::env::var_os(FOLDER)?.into(), std::env::var(NUMBER).ok()?.parse().ok()?))
}

/// In a child: says that it is ready and waits for [`Racer::go`].
pub(crate) fn wait_for_go() {
    eprintln!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
