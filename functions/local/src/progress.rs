//! One line about what is being done, on a terminal, for what takes longer than two seconds.
//!
//! It stands on the last line of the terminal and is gone before anything else is written: whoever writes notes calls
//! [`Progress::clear`] first. Where standard error is piped, or in CI, there is none.
//!
//! `indicatif` is not used: it draws from the first moment, and its ticker goes on drawing between a clear and the next
//! step, over a line of output that is half written.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What takes less is not spoken of.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the line changes at most.
const REDRAW: Duration = Duration::from_millis(200);
/// From when on it is said how long a step has taken: a line that stands still looks like a program that hangs.
const LONG: Duration = Duration::from_secs(10);
/// The most columns of the line: a longer one would wrap, and could not be removed.
const WIDTH: usize = 78;
/// Back to the start of the line, and empty it.
const CLEAR: &[u8] = b"\r\x1b[2K";

/// A progress line. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Progress {
    /// None where nobody would see it.
    line: Option<Arc<Line>>,
}

struct Line {
    state: Mutex<State>,
    changed: Condvar,
    patience: Duration,
}

struct State {
    terminal: Box<dyn Write + Send>,
    /// What is being done; none until something is, and while others write.
    text: Option<(String, Instant)>,
    is_drawn: bool,
    is_over: bool,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Progress {
    /// On standard error, if that is a terminal with a person before it.
    pub(crate) fn on_stderr() -> Self {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        if in_ci || is_dumb || !io::stderr().is_terminal() {
            return Self { line: None };
        }
        Self::on(Box::new(io::stderr()), PATIENCE)
    }

    fn on(terminal: Box<dyn Write + Send>, patience: Duration) -> Self {
        let state = State { terminal, text: None, is_drawn: false, is_over: false };
        let line = Arc::new(Line { state: Mutex::new(state), changed: Condvar::new(), patience });
        let drawn = Arc::clone(&line);
        // Drawn beside the work, because one step of it may take a minute. Without a thread there is no line.
        let started = thread::Builder::new().name("progress".to_owned()).spawn(move || drawn.draw());
        Self { line: started.ok().map(|_| line) }
    }

    /// Says what is being done from now on; made only where somebody sees it.
    pub(crate) fn show(&self, text: impl FnOnce() -> String) {
        if let Some(line) = &self.line {
            line.state().text = Some((text(), Instant::now()));
        }
    }

    /// Removes the line, for others to write; the next [`Progress::show`] brings it back.
    pub(crate) fn clear(&self) {
        if let Some(line) = &self.line {
            let mut state = line.state();
            state.text = None;
            state.remove();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
        if let Some(line) = &self.line {
            line.state().is_over = true;
            line.changed.notify_all();
        }
    }
}

impl Line {
    /// A line half drawn is as good as any other: it is drawn anew.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws until it is over.
    fn draw(&self) {
        let started = Instant::now();
        let mut shown = String::new();
        let mut state = self.state();
        while !state.is_over {
            let wait = self.patience.saturating_sub(started.elapsed());
            if wait.is_zero()
                && let Some((text, since)) = &state.text
                && let text = lasting(text, since.elapsed())
                && (!state.is_drawn || text != shown)
            {
                state.put(&text);
                shown = text;
            }
            let wait = if wait.is_zero() { REDRAW } else { wait };
            let waited = self.changed.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What is shown of a step that has taken so long.
fn lasting(text: &str, taken: Duration) -> String {
    let taken = if taken < LONG { String::new() } else { format!(" ({} s)", taken.as_secs()) };
    format!("{}{taken}", spend_core::text::shorten(text, WIDTH.saturating_sub(taken.len())))
}

impl State {
    /// A terminal that is gone is no reason to stop the work.
    fn put(&mut self, text: &str) {
        let _ = self.terminal.write_all(CLEAR).and_then(|()| self.terminal.write_all(text.as_bytes()));
        let _ = self.terminal.flush();
        self.is_drawn = true;
    }

    fn remove(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = self.terminal.write_all(CLEAR);
            let _ = self.terminal.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    struct Terminal(Sender<Vec<u8>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn progress(patience: Duration) -> (Progress, Receiver<Vec<u8>>) {
        let (sender, written) = channel();
        (Progress::on(Box::new(Terminal(sender)), patience), written)
    }

    fn rest(written: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(written.try_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn what_is_done_soon_is_not_spoken_of() {
        let (progress, written) = progress(Duration::from_hours(1));
        progress.show(|| "reading".to_owned());
        drop(progress);
        assert_eq!(rest(&written), "");
    }

    #[test]
    fn the_line_appears_and_is_gone_before_others_write() {
        let (progress, written) = progress(Duration::ZERO);
        progress.show(|| format!("reading chunk 2 of 3{}", " and more".repeat(20)));
        let patience = Duration::from_secs(20);
        assert_eq!(written.recv_timeout(patience).unwrap(), CLEAR, "it is drawn while the work goes on");
        let line = String::from_utf8(written.recv_timeout(patience).unwrap()).unwrap();
        assert!(line.starts_with("reading chunk 2 of 3") && line.chars().count() <= WIDTH, "{line}");
        progress.clear();
        assert_eq!(rest(&written).as_bytes(), CLEAR);
        drop(progress);
        assert_eq!(rest(&written), "", "what is removed is not removed again");
    }

    #[test]
    fn a_step_that_takes_long_says_how_long() {
        assert_eq!(lasting("evaluating 3 rules", Duration::from_secs(9)), "evaluating 3 rules");
        assert_eq!(lasting("evaluating 3 rules", Duration::from_millis(64_900)), "evaluating 3 rules (64 s)");
        assert_eq!(lasting(&"x".repeat(100), Duration::from_secs(64)).len(), WIDTH);
    }

    #[test]
    fn nobody_makes_a_line_that_nobody_sees() {
        Progress { line: None }.show(|| panic!("the text was made"));
    }
}
