//! Progress with time left: a bar on a terminal, a plain line every few seconds elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(3);

/// A step under way. Shared by all threads; drop or [`Progress::finish`] ends it.
#[derive(Debug)]
pub struct Progress {
    label: String,
    total: u64,
    done: AtomicU64,
    started: Instant,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Bar(ProgressBar),
    Plain(Mutex<Instant>),
}

impl Progress {
    /// Starts a step of `total` units. Quick steps stay silent where stderr is no terminal.
    #[must_use]
    pub fn start(label: &str, total: u64) -> Progress {
        let started = Instant::now();
        let sink = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total).with_message(label.to_owned());
            let template = "{msg:28} {wide_bar} {percent:>3} % {elapsed} gone, {eta} left {prefix}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            Sink::Bar(bar)
        } else {
            Sink::Plain(Mutex::new(started))
        };
        Progress {
            label: label.to_owned(),
            total,
            done: AtomicU64::new(0),
            started,
            sink,
        }
    }

    /// `units` more are done.
    pub fn add(&self, units: u64) {
        self.note(units, "");
    }

    /// `units` more are done; `figure` is shown beside the bar, for example `loss 0.41`.
    pub fn note(&self, units: u64, figure: &str) {
        let done = self.done.fetch_add(units, Ordering::Relaxed) + units;
        match &self.sink {
            Sink::Bar(bar) => {
                bar.inc(units);
                if !figure.is_empty() {
                    bar.set_prefix(figure.to_owned());
                }
            }
            // Another thread holds the lock: it is printing just now.
            Sink::Plain(last) => {
                if let Ok(mut last) = last.try_lock()
                    && last.elapsed() >= PLAIN_EVERY
                {
                    *last = Instant::now();
                    eprintln!(
                        "{}",
                        plain_line(&self.label, done, self.total, self.started.elapsed(), figure)
                    );
                }
            }
        }
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Ends the step; says so where it took over two seconds.
    pub fn finish(self) {
        let seconds = self.seconds();
        if let Sink::Bar(bar) = &self.sink {
            bar.finish_and_clear();
        }
        if seconds > 2.0 {
            eprintln!("{}: done in {seconds:.1} s", self.label);
        }
    }
}

fn plain_line(label: &str, done: u64, total: u64, elapsed: Duration, figure: &str) -> String {
    let share = if total == 0 {
        1.0
    } else {
        (done as f64 / total as f64).min(1.0)
    };
    let left = if share > 0.0 {
        elapsed.as_secs_f64() * (1.0 - share) / share
    } else {
        f64::NAN
    };
    let left = if left.is_finite() {
        format!("{left:.0} s left")
    } else {
        "time left unknown".to_owned()
    };
    let figure = if figure.is_empty() {
        String::new()
    } else {
        format!(", {figure}")
    };
    format!("{label}: {:.0} %, {left}{figure}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_tells_share_and_time_left() {
        let line = plain_line("towers", 25, 100, Duration::from_secs(10), "loss 0.4");
        assert_eq!(line, "towers: 25 %, 30 s left, loss 0.4");
    }

    #[test]
    fn nothing_done_yet_claims_no_time() {
        assert!(plain_line("x", 0, 9, Duration::from_secs(1), "").contains("unknown"));
        assert_eq!(plain_line("x", 0, 0, Duration::ZERO, ""), "x: 100 %, 0 s left");
    }
}
