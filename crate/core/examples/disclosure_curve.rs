//! What noised answers are good for, and what a device spends in a year: a synthetic population, week by week.
//!
//! `cargo run --release -p upnext-core --example disclosure_curve [-- --json]`
//!
//! Each device's viewer has a habit of their own; a week of the year falls into a bucket of each metric by it. Devices
//! answer through [`Ledger`] as they do in a page, a server counts and [`estimate`]s. The error is that of a bucket's share
//! among all devices, whether they answered or not, over buckets, metrics and weeks.

use upnext_core::EventKind;
use upnext_core::disclosure::week::{WEEK_MS, starts_at, truth};
use upnext_core::disclosure::{Ledger, METRICS, Metric, Terms, estimate};
use upnext_core::hash::hash64;
use upnext_core::history::{History, StoredEvent};

const EPSILONS: [u32; 5] = [250, 500, 1_000, 2_000, 4_000];
const POPULATIONS: [usize; 3] = [1_000, 10_000, 100_000];
/// A Monday of 2026.
const START: u32 = 2_950;
const WEEKS: u32 = 52;

/// Uniform numbers of 32 bits.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        (hash64(17, &self.0.to_le_bytes()) >> 32) as u32
    }

    fn unit(&mut self) -> f64 {
        f64::from(self.next()) / 4_294_967_296.0
    }
}

/// What a viewer of this habit, 0..1, does in a week.
fn week(habit: f64, week: u32, numbers: &mut Numbers) -> History {
    let videos = (numbers.unit() * 40.0 * habit * habit) as usize;
    let mut events = Vec::new();
    for video in 0..videos {
        let at = |minute: i64, kind| StoredEvent {
            video: Some(video.to_string()),
            length_seconds: Some(400.0),
            ..StoredEvent::new(kind, starts_at(week) + (video as i64 * 90 + minute) * 60_000)
        };
        let seconds = (numbers.unit() * 440.0).min(400.0) as f32;
        events.push(StoredEvent {
            seconds: Some(seconds),
            ..at(0, EventKind::Watch)
        });
        match numbers.unit() {
            roll if roll < 0.03 * habit => events.push(at(1, EventKind::Like)),
            roll if roll > 0.99 => events.push(at(1, EventKind::Dislike)),
            _ => {}
        }
    }
    History::from_events(events).unwrap_or_default()
}

/// How many answered with each bucket of each metric.
type Counts = [[u64; 10]; METRICS];

/// One year of a population at one ε.
#[derive(Clone, Copy, Default)]
struct Year {
    squares: f64,
    held: f64,
    shares: f64,
    reports: u64,
    weeks: u64,
}

impl Year {
    /// Takes in a week: what is true of `devices`, and what `told` of them said.
    fn add(&mut self, terms: &Terms, truths: &Counts, devices: usize, named: &Counts, told: u64) {
        if told == 0 {
            return;
        }
        self.reports += told;
        self.weeks += 1;
        for (place, metric) in Metric::ALL.iter().enumerate() {
            for bucket in 0..metric.buckets().len() {
                let share = truths[place][bucket] as f64 / devices as f64;
                if let Some(found) = estimate(terms.response(*metric), named[place][bucket], told) {
                    self.squares += (found.share - share) * (found.share - share);
                    self.held += f64::from(u8::from((found.low..=found.high).contains(&share)));
                    self.shares += 1.0;
                }
            }
        }
    }
}

fn count(counts: &mut Counts, buckets: [u32; METRICS]) {
    for (counts, bucket) in counts.iter_mut().zip(buckets) {
        counts[bucket as usize] += 1;
    }
}

fn main() {
    let json = std::env::args().any(|word| word == "--json");
    let mut numbers = Numbers(0);
    // Eight answers whatever they cost: the curve is over ε alone. Smaller populations are the first of the largest.
    let terms = EPSILONS.map(|answer_millis| Terms {
        answer_millis,
        budget_millis: 8 * answer_millis,
        ..Terms::CURRENT
    });
    let devices = POPULATIONS.into_iter().max().unwrap_or(0);
    let habits: Vec<f64> = (0..devices).map(|_| numbers.unit()).collect();
    let opened = starts_at(START - 1);
    let mut ledgers = EPSILONS.map(|_| {
        habits
            .iter()
            .map(|_| Ledger::new(opened, numbers.next()))
            .collect::<Vec<_>>()
    });
    let mut years = EPSILONS.map(|_| [Year::default(); POPULATIONS.len()]);
    let bundle = "0".repeat(64);
    for at in START..START + WEEKS {
        let mut truths = [Counts::default(); POPULATIONS.len()];
        let mut named = EPSILONS.map(|_| [Counts::default(); POPULATIONS.len()]);
        let mut told = EPSILONS.map(|_| [0_u64; POPULATIONS.len()]);
        let now_ms = starts_at(at) + WEEK_MS + WEEK_MS / 2;
        for (device, habit) in habits.iter().enumerate() {
            let history = week(*habit, at, &mut numbers);
            let buckets = truth(&history, at);
            let within = |place: &usize| device < POPULATIONS[*place];
            (0..POPULATIONS.len())
                .filter(within)
                .for_each(|place| count(&mut truths[place], buckets));
            for (which, terms) in terms.iter().enumerate() {
                let random = [(); METRICS].map(|()| numbers.next());
                let report = ledgers[which][device].tell(terms, &history, &bundle, now_ms, random);
                if let Some(report) = report.filter(|report| report.week == at) {
                    for place in (0..POPULATIONS.len()).filter(within) {
                        told[which][place] += 1;
                        count(&mut named[which][place], report.answers());
                    }
                }
            }
        }
        for (which, terms) in terms.iter().enumerate() {
            for (place, devices) in POPULATIONS.into_iter().enumerate() {
                years[which][place].add(terms, &truths[place], devices, &named[which][place], told[which][place]);
            }
        }
    }
    let mut lines = Vec::new();
    if !json {
        println!("     ε   devices  reports/week    error  intervals hold  spent, mean  spent, most");
    }
    for (which, terms) in terms.iter().enumerate() {
        let spent: Vec<f32> = ledgers[which]
            .iter()
            .map(|ledger| ledger.standing(terms)[0].spent)
            .collect();
        let mean = spent.iter().sum::<f32>() / devices as f32;
        let most = spent.iter().fold(0.0_f32, |most, one| one.max(most));
        let epsilon = f64::from(EPSILONS[which]) / 1000.0;
        for (place, devices) in POPULATIONS.into_iter().enumerate() {
            let year = years[which][place];
            let reports = year.reports as f64 / year.weeks as f64;
            let (error, held) = ((year.squares / year.shares).sqrt(), year.held / year.shares);
            if json {
                lines.push(format!(
                    "{{\"epsilon\":{epsilon},\"devices\":{devices},\"reports_per_week\":{reports:.1},\"error\":{error:.5},\"held\":{held:.4},\"spent_mean\":{mean:.3},\"spent_most\":{most}}}"
                ));
            } else {
                println!("{epsilon:>6} {devices:>9} {reports:>13.0} {error:>8.4} {held:>15.3} {mean:>12.2} {most:>12}");
            }
        }
    }
    if json {
        println!("[{}]", lines.join(",\n "));
    }
}
