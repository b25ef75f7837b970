//! What noised answers are good for, and what a device spends in a year: people of the simulated world, week by week.
//!
//! `cargo build --release --locked --workspace --example disclosure_curve && target/release/examples/disclosure_curve [--json]`
//!
//! The people are those of `upnext-export simulate`, with what they watched, liked and sent away in its log. A year is longer
//! than that log and a population larger, so each device lives the log's weeks of one person over and over, beginning
//! with another week than the next device of that person. Devices answer through [`Ledger`] as they do in a page, a server counts and
//! [`estimate`]s. The error is that of a bucket's share among all devices, whether they answered or not, over buckets, metrics
//! and weeks.

use upnext_core::disclosure::week::{WEEK_MS, starts_at, truth, week_of};
use upnext_core::disclosure::{Ledger, METRICS, Metric, Terms, estimate};
use upnext_core::hash::hash64;
use upnext_core::history::{History, StoredEvent};
use upnext_export::simulate::{Options, simulate};
use upnext_export::table::{Dataset, NONE};

const EPSILONS: [u32; 5] = [250, 500, 1_000, 2_000, 4_000];
const POPULATIONS: [usize; 3] = [1_000, 10_000, 100_000];
/// A Monday of 2026.
const START: u32 = 2_950;
const WEEKS: u32 = 52;
/// Days of the simulated log: eight whole weeks, on whichever day it begins.
const DAYS: u32 = 63;

/// Uniform numbers of 32 bits.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        (hash64(17, &self.0.to_le_bytes()) >> 32) as u32
    }
}

/// What the people of a log did, by person and whole week of the log.
struct Lives {
    /// `[person][week]`, as the person's device keeps it.
    weeks: Vec<Vec<Vec<StoredEvent>>>,
    first: u32,
    count: u32,
}

impl Lives {
    fn of(data: &Dataset) -> Lives {
        let table = &data.interactions;
        let [begins, ends] = [table.at_ms.first(), table.at_ms.last()].map(|at| at.copied().unwrap_or(0));
        // The week in which the log begins and the one in which it ends are not whole.
        let first = week_of(begins) + 1;
        let count = week_of(ends).saturating_sub(first).max(1);
        let mut weeks = vec![vec![Vec::new(); count as usize]; data.users.len()];
        for row in 0..table.len() {
            let Some(week) = week_of(table.at_ms[row])
                .checked_sub(first)
                .filter(|week| *week < count)
            else {
                continue;
            };
            let video = table.video[row];
            weeks[table.user[row] as usize][week as usize].push(StoredEvent {
                video: (video != NONE).then(|| data.videos.ids.name(video).to_owned()),
                seconds: table.seconds[row],
                length_seconds: data.length_of(video),
                ..StoredEvent::new(table.kind[row], table.at_ms[row])
            });
        }
        Lives { weeks, first, count }
    }

    /// What a person's device holds of the log's week `turn`, as if that were the week `at`.
    fn history(&self, person: usize, turn: u32, at: u32) -> History {
        let later = (i64::from(at) - i64::from(self.first + turn)) * WEEK_MS;
        let events = self.weeks[person][turn as usize].iter().map(|event| StoredEvent {
            at_ms: event.at_ms + later,
            ..event.clone()
        });
        History::from_events(events).unwrap_or_default()
    }
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

fn main() -> Result<(), String> {
    let json = std::env::args().any(|word| word == "--json");
    let mut numbers = Numbers(0);
    // Eight answers whatever they cost: the curve is over ε alone. Smaller populations are the first of the largest.
    let terms = EPSILONS.map(|answer_millis| Terms {
        answer_millis,
        budget_millis: 8 * answer_millis,
        ..Terms::CURRENT
    });
    let devices = POPULATIONS.into_iter().max().unwrap_or(0);
    let options = Options {
        users: 2_000,
        videos: 3_000,
        days: DAYS,
        seed: 1,
        drifting: 0.0,
    };
    let (data, _) = simulate(&options).map_err(|error| error.to_string())?;
    let lives = Lives::of(&data);
    let people = lives.weeks.len();
    let opened = starts_at(START - 1);
    let mut ledgers = EPSILONS.map(|_| {
        (0..devices)
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
        let weeks: Vec<Vec<(History, [u32; METRICS])>> = (0..people)
            .map(|person| {
                let of = |turn| {
                    let history = lives.history(person, turn, at);
                    let buckets = truth(&history, at);
                    (history, buckets)
                };
                (0..lives.count).map(of).collect()
            })
            .collect();
        for device in 0..devices {
            let turn = (at as usize + device / people) % lives.count as usize;
            let (history, buckets) = &weeks[device % people][turn];
            let within = |place: &usize| device < POPULATIONS[*place];
            (0..POPULATIONS.len())
                .filter(within)
                .for_each(|place| count(&mut truths[place], *buckets));
            for (which, terms) in terms.iter().enumerate() {
                let random = [(); METRICS].map(|()| numbers.next());
                let report = ledgers[which][device].tell(terms, history, &bundle, now_ms, random);
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
    Ok(())
}
