use super::*;
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;

fn event(kind: EventKind, minutes_ago: i64, video: &'static str) -> PastEvent<'static> {
    PastEvent {
        video: Some(video),
        ..PastEvent::new(kind, NOW - minutes_ago * MINUTE)
    }
}

fn watch(minutes_ago: i64, video: &'static str, fraction: f32) -> PastEvent<'static> {
    PastEvent {
        fraction: Some(fraction),
        ..event(EventKind::Watch, minutes_ago, video)
    }
}

fn labels(history: &[PastEvent<'_>]) -> Vec<Option<bool>> {
    encounters(3, history, NOW)
        .iter()
        .map(|met| met.outcome.label())
        .collect()
}

#[test]
fn events_join_until_the_next_impression() {
    let history = [
        event(EventKind::Impression, 60, "a"),
        watch(59, "a", 0.3),
        watch(58, "a", 0.3),
        event(EventKind::Impression, 50, "a"),
        watch(49, "a", 0.1),
    ];
    assert_eq!(labels(&history), [Some(true), Some(false)]);
}

#[test]
fn without_an_impression_the_first_event_opens_for_six_hours() {
    let history = [watch(800, "a", 0.3), watch(800 - 360, "a", 0.3), watch(20, "a", 0.3)];
    assert_eq!(labels(&history), [Some(true), Some(false)]);
}

#[test]
fn videos_do_not_mix_and_searches_meet_no_video() {
    let search = PastEvent {
        video: Some("a"),
        ..event(EventKind::Search, 30, "a")
    };
    let history = [
        watch(60, "a", 0.3),
        watch(59, "b", 0.3),
        search,
        PastEvent::new(EventKind::Like, NOW - 1),
    ];
    assert_eq!(labels(&history), [Some(false), Some(false)]);
}

#[test]
fn an_impression_written_after_the_watch_of_the_same_instant_opens_no_second_one() {
    let history = [watch(10, "a", 0.9), event(EventKind::Impression, 10, "a")];
    assert_eq!(labels(&history), [Some(true)]);
    // The next of that instant does: a log without times has all of its events there.
    let history = [history[0], history[1], history[1], watch(10, "a", 0.1)];
    assert_eq!(labels(&history), [Some(true), Some(false)]);
}

#[test]
fn rows_are_those_of_the_first_event_that_has_them() {
    let values = [1_i8];
    let with = PastEvent {
        vector: Some(crate::QuantRow {
            scale: 1.0,
            values: &values,
        }),
        ..watch(9, "a", 0.1)
    };
    let met = encounters(
        3,
        &[
            event(EventKind::Impression, 10, "a"),
            with,
            event(EventKind::Like, 8, "a"),
        ],
        NOW,
    );
    assert_eq!((met[0].opened, met[0].rows), (0, 1));
}

#[test]
fn labels_of_every_kind_of_outcome() {
    let none = Outcome::default();
    let shown = Outcome { shown: true, ..none };
    let cases = [
        ("nothing", none, None),
        ("shown only", shown, Some(false)),
        (
            "watched, nobody knows how far",
            Outcome { watched: true, ..shown },
            None,
        ),
        (
            "watched below half",
            Outcome {
                watched: true,
                fraction: Some(0.49),
                ..none
            },
            Some(false),
        ),
        (
            "watched half",
            Outcome {
                watched: true,
                fraction: Some(0.5),
                ..none
            },
            Some(true),
        ),
        (
            "finished, then disliked",
            Outcome {
                fraction: Some(1.0),
                rejected: true,
                ..shown
            },
            Some(false),
        ),
        (
            "liked and disliked",
            Outcome {
                liked: true,
                rejected: true,
                ..shown
            },
            Some(true),
        ),
        (
            "judged relevant",
            Outcome {
                judged: Some(true),
                watched: true,
                ..none
            },
            Some(true),
        ),
        (
            "judged irrelevant",
            Outcome {
                judged: Some(false),
                watched: true,
                ..none
            },
            Some(false),
        ),
        (
            "judged relevant, disliked",
            Outcome {
                judged: Some(true),
                rejected: true,
                ..none
            },
            Some(false),
        ),
        (
            "seconds outweigh the judgement",
            Outcome {
                judged: Some(true),
                fraction: Some(0.1),
                ..none
            },
            Some(false),
        ),
        ("disliked unseen", Outcome { rejected: true, ..none }, Some(false)),
    ];
    for (name, outcome, label) in cases {
        assert_eq!(outcome.label(), label, "{name}");
    }
}

proptest! {
    #[test]
    fn every_event_before_now_is_in_one_encounter_and_none_after(
        events in prop::collection::vec((0..3_usize, 0..8_usize, -100..1000_i64), 0..40),
    ) {
        let history: Vec<_> = events
            .iter()
            .map(|(video, kind, ago)| event(EventKind::ALL[*kind], *ago, ["a", "b", "c"][*video]))
            .collect();
        let met = encounters(3, &history, NOW);
        let past = history.iter().filter(|e| e.at_ms < NOW && e.kind != EventKind::Search).count();
        prop_assert!(met.len() <= past);
        prop_assert_eq!(met.is_empty(), past == 0);
        for pair in met.windows(2) {
            prop_assert!(pair[0].at_ms <= pair[1].at_ms);
        }
        let earlier: Vec<_> = history.iter().filter(|e| e.at_ms < NOW).copied().collect();
        let outcomes = |met: Vec<Encounter>| met.iter().map(|m| (m.at_ms, m.video, m.outcome)).collect::<Vec<_>>();
        prop_assert_eq!(outcomes(encounters(3, &earlier, NOW)), outcomes(met));
    }
}
