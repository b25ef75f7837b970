#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::week::{WEEK_MS, latest_over, starts_at, truth, week_of};
use super::*;
use crate::EventKind;
use crate::encounter::ENCOUNTER_MS;
use crate::hash::hash64;
use crate::history::{History, StoredEvent};

/// A Monday of 2026.
const START: u32 = 2_950;
const TERMS: Terms = Terms::CURRENT;

fn event(kind: EventKind, week: u32, minute: i64, video: &str) -> StoredEvent {
    StoredEvent {
        video: Some(video.to_owned()),
        length_seconds: Some(600.0),
        ..StoredEvent::new(kind, starts_at(week) + minute * 60_000)
    }
}

fn watch(week: u32, minute: i64, video: &str, seconds: f32) -> StoredEvent {
    StoredEvent {
        seconds: Some(seconds),
        ..event(EventKind::Watch, week, minute, video)
    }
}

fn history(events: Vec<StoredEvent>) -> History {
    History::from_events(events).unwrap()
}

/// Uniform 32-bit numbers.
fn numbers(seed: u64) -> impl FnMut() -> u32 {
    let mut drawn = 0_u64;
    move || {
        drawn += 1;
        (hash64(seed, &drawn.to_le_bytes()) >> 32) as u32
    }
}

fn bundle() -> String {
    "0f".repeat(32)
}

#[test]
fn the_chances_are_exact_fractions_and_never_say_more_than_epsilon() {
    for buckets in 2..=10_u32 {
        for millis in [1, 100, 500, 1_000, 2_000, 4_000, 20_000] {
            let response = Response::new(buckets, millis);
            // Where the answer changes as the random number rises: after each bucket's own cells.
            let own = (response.chance_of_other() * 4_294_967_296.0) as u64;
            for bucket in 0..buckets {
                for truth in 0..buckets {
                    let first = own * u64::from(bucket);
                    assert_eq!(response.answer(truth, first as u32), bucket);
                    assert_eq!(response.answer(truth, (first + own - 1) as u32), bucket);
                    // All that is left is the truth's.
                    assert_eq!(response.answer(truth, (own * u64::from(buckets)) as u32), truth);
                    assert_eq!(response.answer(truth, u32::MAX), truth);
                }
            }
            // In whole numbers: cells of the truth against those of another bucket.
            let of_truth = (1_u64 << 32) - u64::from(buckets - 1) * own;
            let odds = of_truth as f64 / own as f64;
            assert!(
                odds <= libm::exp(f64::from(millis) / 1000.0),
                "{buckets} buckets, {millis}"
            );
            assert!(response.epsilon() <= f64::from(millis) / 1000.0);
            if millis <= 4_000 {
                assert!(
                    response.epsilon() > f64::from(millis) / 1000.0 - 1e-6,
                    "nothing is given away"
                );
            }
        }
    }
}

#[test]
fn for_these_metrics_no_unary_encoding_would_say_more() {
    let odds = libm::exp(f64::from(TERMS.answer_millis) / 1000.0);
    for metric in Metric::ALL {
        let buckets = metric.buckets().len() as f64;
        // Variances of a small share, times n: Wang et al. 2017, table 1.
        let (direct, unary) = (buckets - 2.0 + odds, 4.0 * odds);
        assert!(direct < unary, "{}", metric.as_str());
    }
}

#[test]
fn names_and_numbers_of_buckets_are_those_of_a_digit() {
    for (place, metric) in Metric::ALL.iter().enumerate() {
        assert_eq!(*metric as usize, place);
        assert!((2..=10).contains(&metric.bucket_count()));
        assert_eq!(metric.buckets().len(), metric.bucket_count() as usize);
    }
}

#[test]
fn weeks_begin_on_mondays_and_are_over_when_their_last_encounter_is() {
    assert_eq!(week_of(1_790_000_000_000), 2_960);
    for week in [0, 1, START, 9_999] {
        assert_eq!(
            (week_of(starts_at(week)), week_of(starts_at(week) + WEEK_MS - 1)),
            (week, week)
        );
    }
    let end = starts_at(START) + WEEK_MS;
    assert_eq!(latest_over(end + ENCOUNTER_MS - 1), Some(START - 1));
    assert_eq!(latest_over(end + ENCOUNTER_MS), Some(START));
    assert_eq!((latest_over(0), week_of(i64::MIN), week_of(i64::MAX)), (None, 0, 9_999));
}

#[test]
fn each_metric_of_a_week_is_what_was_done_in_it() {
    let w = START;
    let nothing = history(vec![watch(w - 1, 9, "a", 600.0), event(EventKind::Like, w + 1, 0, "b")]);
    assert_eq!(truth(&nothing, w), [0, 0, 0, 0]);
    let shown = history(vec![
        event(EventKind::Impression, w, 5, "a"),
        event(EventKind::NotInterested, w, 6, "a"),
    ]);
    assert_eq!(truth(&shown, w), [0, 0, 0, 2]);
    let one = history(vec![watch(w, 5, "a", 590.0), event(EventKind::Like, w, 30, "a")]);
    assert_eq!(truth(&one, w), [1, 1, 1, 1]);
    // Begun on Sunday night, ended on Monday: of the week in which it began.
    let late = history(vec![
        watch(w, 7 * 24 * 60 - 1, "a", 300.0),
        watch(w, 7 * 24 * 60 + 1, "a", 300.0),
    ]);
    assert_eq!((truth(&late, w), truth(&late, w + 1)), ([1, 1, 2, 0], [0, 0, 0, 0]));
    let names: Vec<String> = (0..12).map(|i| format!("v{i}")).collect();
    let mut much: Vec<StoredEvent> = names
        .iter()
        .enumerate()
        .map(|(i, name)| watch(w, 20 * i as i64, name, 600.0))
        .collect();
    much.push(event(EventKind::Dislike, w, 1, "v0"));
    much.push(event(EventKind::Like, w, 25, "v1"));
    assert_eq!(truth(&history(much), w), [1, 4, 4, 3]);
    // A watch of which nobody knows how long it was is a click and no more.
    let mut untold = event(EventKind::Watch, w, 1, "a");
    untold.length_seconds = None;
    assert_eq!(truth(&history(vec![untold]), w), [1, 0, 0, 0]);
}

#[test]
fn a_report_is_of_one_length_and_nothing_else_is_read() {
    let report = |answers: [u32; 4]| Report {
        form: 1,
        week: START,
        bundle: bundle(),
        clicked: answers[0],
        completed: answers[1],
        watched: answers[2],
        feedback: answers[3],
    };
    let (quiet, loud) = (report([0; 4]), report([1, 4, 5, 3]));
    assert_eq!(quiet.to_json().len(), loud.to_json().len());
    assert_eq!(Report::parse(loud.to_json().as_bytes()), Ok(loud.clone()));
    let text = loud.to_json();
    for (from, to) in [
        ("\"form\":1", "\"form\":2"),
        ("\"week\":2950", "\"week\":10000"),
        ("\"week\":2950", "\"week\":-1"),
        ("\"watched\":5", "\"watched\":6"),
        ("\"clicked\":1", "\"clicked\":true"),
        ("\"feedback\":3", "\"feedback\":3,\"id\":7"),
        ("0f0f", "0F0f"),
        ("{", "[{"),
    ] {
        assert!(text.contains(from));
        assert!(Report::parse(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
    let end = starts_at(START) + WEEK_MS;
    assert!(loud.is_timely(end) && loud.is_timely(end + 6 * WEEK_MS));
    assert!(!loud.is_timely(end - 1) && !loud.is_timely(end + 6 * WEEK_MS + 1));
}

#[test]
fn what_a_device_tells_of_itself_never_says_what_it_was_before_the_leave() {
    for turn in 0..4 {
        let opened = starts_at(START) + 3_600_000;
        let mut ledger = Ledger::new(opened, turn);
        let mut weeks = Vec::new();
        for day in 0..7 * 8 {
            let now = opened + day * 24 * 3_600_000;
            weeks.extend(
                ledger
                    .tell(&TERMS, &History::default(), &bundle(), now, [0; 4])
                    .map(|report| report.week),
            );
        }
        weeks.dedup();
        assert!(weeks.iter().all(|week| *week > START && week % 4 == turn), "{weeks:?}");
        assert!((1..=2).contains(&weeks.len()));
    }
}

#[test]
fn a_ledger_of_another_kind_is_refused_and_not_replaced() {
    let ledger = Ledger::new(starts_at(START), 7);
    assert_eq!(Ledger::parse(ledger.to_json().as_bytes()), Ok(ledger.clone()));
    let text = ledger.to_json();
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"version\":1,", ""),
        ("\"turn\":7", "\"turn\":7,\"more\":1"),
        ("[0,0,0,0]", "[0,0,0,-1]"),
        ("\"firstWeek\":2951", "\"firstWeek\":99999"),
    ] {
        assert!(text.contains(from), "{text}");
        let error = Ledger::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.code(), crate::Code::ProfileInvalid, "{to}");
    }
    assert!(Ledger::parse(b"").is_err());
}

#[test]
fn the_viewer_sees_what_is_spent_and_what_was_told() {
    let mut ledger = Ledger::new(starts_at(START), 0);
    let zero = r#"{"metrics":[{"metric":"clicked","spent":0,"left":8},{"metric":"completed","spent":0,"left":8},{"metric":"watched","spent":0,"left":8},{"metric":"feedback","spent":0,"left":8}]}"#;
    assert_eq!(ledger.disclosed(&TERMS), zero);
    let report = ledger
        .tell(&TERMS, &History::default(), &bundle(), starts_at(START + 9), [0; 4])
        .unwrap();
    let told = ledger.disclosed(&TERMS);
    assert!(told.contains(r#"{"metric":"watched","spent":1,"left":7}"#) && told.contains(&report.to_json()));
    ledger.forget();
    let forgotten = ledger.disclosed(&TERMS);
    assert!(forgotten.contains(r#""spent":1"#) && !forgotten.contains("last"));
}

/// What may happen to a device.
#[derive(Debug, Clone)]
enum Step {
    /// Time passes (or is set back), and the host asks; `lost` where it dies before the ledger is stored.
    Ask { days: i16, seed: u64, lost: bool },
    /// The viewer does something.
    Do { seconds: u16, like: bool },
    /// The viewer wipes, or withdraws the leave.
    Wipe,
    /// Another release is installed, with another ε of an answer and another rhythm.
    Upgrade { answer_millis: u32, every: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (-20_i16..60, any::<u64>(), prop::bool::weighted(0.2)).prop_map(|(days, seed, lost)| Step::Ask { days, seed, lost }),
        2 => (0_u16..700, any::<bool>()).prop_map(|(seconds, like)| Step::Do { seconds, like }),
        1 => Just(Step::Wipe),
        1 => (1_u32..3_000, 1_u32..6).prop_map(|(answer_millis, every)| Step::Upgrade { answer_millis, every }),
    ]
}

proptest! {
    #[test]
    fn the_budget_is_never_exceeded_and_a_week_is_answered_once(turn: u32, steps in prop::collection::vec(step(), 1..120)) {
        let mut terms = TERMS;
        let mut now = starts_at(START);
        let mut stored: Option<String> = None;
        let mut done: Vec<StoredEvent> = Vec::new();
        // By week what left the device, and the ε of each of its answers as they are.
        let mut left: BTreeMap<u32, (Report, [f64; METRICS])> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Ask { days, seed, lost } => {
                    now += i64::from(days) * 24 * 3_600_000;
                    // Every ask is a restart: what the device knows is what is stored.
                    let mut ledger = match &stored {
                        Some(text) => Ledger::parse(text.as_bytes()).unwrap(),
                        None => Ledger::new(now, turn),
                    };
                    let mut number = numbers(seed);
                    let random = [(); METRICS].map(|()| number());
                    let events = history(done.clone());
                    let report = ledger.tell(&terms, &events, &bundle(), now, random);
                    if lost {
                        continue;
                    }
                    stored = Some(ledger.to_json());
                    let Some(report) = report else { continue };
                    let epsilons = Metric::ALL.map(|metric| terms.response(metric).epsilon());
                    let (first, _) = left.entry(report.week).or_insert((report.clone(), epsilons));
                    prop_assert_eq!(&report, first, "asked again it says the same");
                }
                Step::Do { seconds, like } => {
                    let week = week_of(now);
                    let minute = done.len() as i64;
                    done.push(watch(week, minute, &format!("v{minute}"), f32::from(seconds)));
                    if like {
                        done.push(event(EventKind::Like, week, minute, &format!("v{minute}")));
                    }
                }
                Step::Wipe => {
                    done.clear();
                    stored = stored.map(|text| {
                        let mut ledger = Ledger::parse(text.as_bytes()).unwrap();
                        let before = ledger.standing(&terms);
                        ledger.forget();
                        assert_eq!(ledger.standing(&terms), before);
                        ledger.to_json()
                    });
                }
                Step::Upgrade { answer_millis, every } => terms = Terms { answer_millis, every, ..terms },
            }
            let budget = f64::from(terms.budget_millis) / 1000.0;
            let ledger = stored.as_ref().map(|text| Ledger::parse(text.as_bytes()).unwrap());
            for place in 0..METRICS {
                let spent: f64 = left.values().map(|(_, epsilons)| epsilons[place]).sum();
                prop_assert!(spent <= budget, "{} of {}", spent, budget);
                let told = ledger.as_ref().map_or(0.0, |ledger| f64::from(ledger.standing(&terms)[place].spent));
                prop_assert!(spent <= told + 1e-6, "the viewer is shown at least what was spent");
            }
        }
    }

    #[test]
    fn two_lives_of_a_device_are_never_more_than_the_budget_apart(
        one in prop::collection::vec((0_i64..60 * 24 * 7 * 40, 0_u16..700, any::<bool>()), 0..40),
        other in prop::collection::vec((0_i64..60 * 24 * 7 * 40, 0_u16..700, any::<bool>()), 0..40),
        seed: u64,
    ) {
        let life = |events: &[(i64, u16, bool)]| {
            history(events.iter().enumerate().flat_map(|(i, (minute, seconds, like))| {
                let name = format!("v{i}");
                let like = like.then(|| event(EventKind::Like, START, *minute, &name));
                like.into_iter().chain([watch(START, *minute, &name, f32::from(*seconds))]).collect::<Vec<_>>()
            }).collect())
        };
        let (one, other) = (life(&one), life(&other));
        let mut number = numbers(seed);
        let mut ledger = Ledger::new(starts_at(START) - 1, 0);
        let mut apart = [0.0_f64; METRICS];
        let mut last = None;
        for week in START..START + 60 {
            let random = [(); METRICS].map(|()| number());
            let report = ledger.tell(&TERMS, &one, &bundle(), starts_at(week), random);
            if report == last {
                continue;
            }
            let Some(report) = report else { break };
            // How much likelier the answers are by the one life than by the other, in nats.
            let (by_one, by_other) = (truth(&one, report.week), truth(&other, report.week));
            for (place, metric) in Metric::ALL.iter().enumerate() {
                let response = TERMS.response(*metric);
                let chance = |truth: u32| if truth == report.answers()[place] { response.chance_of_truth() } else { response.chance_of_other() };
                apart[place] += libm::log(chance(by_one[place]) / chance(by_other[place]));
            }
            last = Some(report);
        }
        prop_assert!(apart.iter().all(|nats| nats.abs() <= f64::from(TERMS.budget_millis) / 1000.0 + 1e-9));
    }

    #[test]
    fn any_bytes_are_refused_or_a_ledger_that_can_be_asked(bytes in prop::collection::vec(any::<u8>(), 0..200), now: i64) {
        if let Ok(mut ledger) = Ledger::parse(&bytes) {
            ledger.tell(&TERMS, &History::default(), &bundle(), now, [1; METRICS]);
        }
        let _ = Report::parse(&bytes);
    }

    #[test]
    fn no_ledger_however_crooked_panics_or_overspends(
        first_week in 0_u32..10_001, turn: u32, spent in prop::collection::vec(any::<u32>(), 0..8), told in prop::option::of(0_u32..10_001), now: i64, every in 0_u32..9,
    ) {
        let told = told.map_or(String::new(), |week| format!(",\"told\":{week}"));
        let text = format!("{{\"version\":1,\"firstWeek\":{first_week},\"turn\":{turn},\"spent\":{spent:?}{told}}}");
        let mut ledger = Ledger::parse(text.as_bytes()).unwrap();
        let before = ledger.clone();
        let terms = Terms { every, ..TERMS };
        if ledger.tell(&terms, &History::default(), &bundle(), now, [1; METRICS]).is_none() {
            prop_assert_eq!(&ledger, &before, "nothing told, nothing spent");
        } else {
            prop_assert!(ledger.standing(&terms).iter().all(|metric| metric.spent <= 8.0));
        }
    }
}

/// An attacker who asks a thousand times about the same week knows what one answer says; without the memo they would know
/// the truth. Over the device's whole life they get eight answers, and no more.
#[test]
fn averaging_gains_nothing() {
    let mut number = numbers(5);
    let (devices, asks) = (400, 200);
    let metric = Metric::Feedback;
    let response = TERMS.response(metric);
    // The answer that was heard most often.
    let most = |heard: &[u32]| {
        let mut counts = [0_u32; 10];
        heard.iter().for_each(|answer| counts[*answer as usize] += 1);
        let best = counts.iter().max().copied().unwrap_or(0);
        counts.iter().position(|count| *count == best).unwrap_or(0) as u32
    };
    let (mut right, mut right_without, mut distinct) = (0, 0, 0);
    for device in 0..devices {
        let liked = device % 2 == 1;
        let events = history(if liked {
            vec![event(EventKind::Like, START, 1, "a")]
        } else {
            Vec::new()
        });
        let mut ledger = Ledger::new(starts_at(START) - 1, START);
        let mut heard = Vec::new();
        for ask in 0..asks {
            let now = starts_at(START + 1) + ENCOUNTER_MS + ask * 600_000;
            let random = [(); METRICS].map(|()| number());
            // The ledger is stored and read between two asks.
            ledger = Ledger::parse(ledger.to_json().as_bytes()).unwrap();
            heard.extend(
                ledger
                    .tell(&TERMS, &events, &bundle(), now, random)
                    .map(|report| report.feedback),
            );
        }
        assert_eq!(heard.len(), asks as usize);
        distinct += usize::from(heard.iter().any(|answer| *answer != heard[0]));
        right += u32::from(most(&heard) == u32::from(liked));
        let fresh: Vec<u32> = (0..asks).map(|_| response.answer(u32::from(liked), number())).collect();
        right_without += u32::from(most(&fresh) == u32::from(liked));
    }
    assert_eq!(distinct, 0, "always the same answer");
    let expected = f64::from(devices) * response.chance_of_truth();
    let deviation = (expected * (1.0 - response.chance_of_truth())).sqrt();
    assert!(
        (f64::from(right) - expected).abs() < 4.0 * deviation,
        "{right} of {devices}"
    );
    assert!(right_without > devices * 99 / 100, "{right_without} of {devices}");
}

#[test]
fn the_interval_holds_the_truth_nineteen_times_in_twenty() {
    let mut number = numbers(11);
    let metric = Metric::Completed;
    let response = TERMS.response(metric);
    for (share, devices) in [(0.0, 300), (0.1, 40), (0.1, 1_000), (0.6, 300), (1.0, 300)] {
        let worlds = 600;
        let (mut held, mut sum) = (0, 0.0);
        for _ in 0..worlds {
            let named = (0..devices).filter(|_| {
                let truth = if f64::from(number()) / 4_294_967_296.0 < share {
                    1
                } else {
                    3
                };
                response.answer(truth, number()) == 1
            });
            let found = estimate(response, named.count() as u64, devices).unwrap();
            held += usize::from((found.low..=found.high).contains(&share));
            sum += found.share;
        }
        assert!(held * 100 >= worlds * 92, "{share} of {devices}: {held} of {worlds}");
        // Unbiased: the mean over worlds is near.
        let mean = sum / worlds as f64;
        assert!((mean - share).abs() < 0.05, "{share}: {mean}");
    }
}
