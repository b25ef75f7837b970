#![allow(clippy::unwrap_used)]
//! A table of named cases; a test fails where a reason has none.
use super::*;
use crate::fixture::{ID, NOW, block, message, model};

/// Candidates 0..6 of the fixture: channels ch1, none, ch2; ratings none, G, R; tags none, music, music + 猫.
struct Case {
    name: &'static str,
    profile: Profile,
    past: Vec<PastEvent<'static>>,
    watching: Option<&'static str>,
    expected: Option<(usize, DropReason)>,
}

fn case(name: &'static str, expected: Option<(usize, DropReason)>) -> Case {
    Case {
        name,
        profile: Profile::default(),
        past: Vec::new(),
        watching: None,
        expected,
    }
}

fn event(kind: EventKind, at_ms: i64, video: &'static str, fraction: Option<f32>) -> PastEvent<'static> {
    PastEvent {
        video: Some(video),
        fraction,
        ..PastEvent::new(kind, at_ms)
    }
}

fn cases() -> Vec<Case> {
    use DropReason::{
        BlockedChannel, BlockedTag, Disliked, ExcludedLanguage, NotInterested, Rating, Region, Seen, Watching,
    };
    use EventKind::{Comment, Dislike, Impression, Like, Share, Watch};
    let refused = EventKind::NotInterested;
    let (long_ago, just_now) = (NOW - REST_MS, NOW - REST_MS + 1);
    let with = |case: Case, past: &[PastEvent<'static>]| Case {
        past: past.to_vec(),
        ..case
    };
    let told = |case: Case, profile: Profile| Case { profile, ..case };
    let channels = |c: &str| Profile {
        blocked_channels: vec![c.into()],
        ..Profile::default()
    };
    let tags = |t: &str| Profile {
        blocked_tags: vec![t.into()],
        ..Profile::default()
    };
    let languages = |l: &str| Profile {
        excluded_languages: vec![l.into()],
        ..Profile::default()
    };
    let region = |r: &str| Profile {
        region: Some(r.into()),
        ..Profile::default()
    };
    let aged = |age| Profile {
        age: Some(age),
        ..Profile::default()
    };
    vec![
        case("a newcomer may see all", None),
        Case {
            watching: Some("v001"),
            ..case("what plays now", Some((1, Watching)))
        },
        Case {
            watching: Some("other"),
            ..case("what plays now is not in the block", None)
        },
        with(
            case("not interested", Some((2, NotInterested))),
            &[event(refused, long_ago, "v002", None)],
        ),
        with(
            case("not interested, this very instant", Some((2, NotInterested))),
            &[event(refused, NOW, "v002", None)],
        ),
        with(
            case("disliked", Some((0, Disliked))),
            &[event(Dislike, long_ago, "v000", None)],
        ),
        with(
            case("disliked, then liked", None),
            &[
                event(Dislike, long_ago, "v000", None),
                event(Like, long_ago, "v000", None),
            ],
        ),
        with(
            case("liked, then disliked", Some((0, Disliked))),
            &[
                event(Like, long_ago, "v000", None),
                event(Dislike, long_ago, "v000", None),
            ],
        ),
        told(case("a channel id is exact", None), channels("CH2")),
        told(case("a blocked channel", Some((2, BlockedChannel))), channels("ch2")),
        told(
            case("a blocked tag, whatever its case and width", Some((2, BlockedTag))),
            tags(" 猫 "),
        ),
        told(
            case("an excluded language, whatever its case", Some((2, ExcludedLanguage))),
            languages("HI"),
        ),
        told(
            case("a script or region of that language alone", None),
            languages("hi-Latn"),
        ),
        told(case("a language whose tag begins alike", None), languages("h")),
        told(case("no language", None), languages("")),
        told(case("where all may be shown", None), region("at")),
        told(case("where one may not be shown", Some((2, Region))), region("DE")),
        told(case("rated above the viewer's age", Some((2, Rating))), aged(16.0)),
        told(case("old enough", None), aged(17.0)),
        with(
            case("finished", Some((1, Seen))),
            &[event(Watch, long_ago, "v001", Some(0.5))],
        ),
        with(
            case("watched in two pieces", Some((1, Seen))),
            &[event(Watch, 0, "v001", Some(0.3)), event(Watch, 1, "v001", Some(0.3))],
        ),
        with(
            case("begun long ago", None),
            &[event(Watch, long_ago, "v001", Some(0.4))],
        ),
        with(
            case("played for an unknown time long ago", None),
            &[event(Watch, long_ago, "v001", None)],
        ),
        with(
            case("played just now", Some((1, Seen))),
            &[event(Watch, just_now, "v001", Some(0.0))],
        ),
        with(
            case("shown, commented, shared", None),
            &[
                event(Impression, NOW, "v001", None),
                event(Comment, NOW, "v001", None),
                event(Share, NOW, "v001", None),
            ],
        ),
    ]
}

/// Three candidates, the last for Austria and Switzerland alone.
fn regional() -> Block {
    let mut message = message(3);
    message.dictionary.extend(["AT", "CH"].map(String::from));
    (message.region_counts, message.regions) = (vec![0, 0, 2], vec![9, 10]);
    Block::from_message(message, ID, model().dims()).unwrap()
}

fn run(case: &Case) -> (Vec<usize>, Vec<Dropped>) {
    filter(
        &regional(),
        &case.profile,
        &case.past,
        NOW,
        case.watching,
        Folding::current(),
    )
}

#[test]
fn each_case_drops_what_it_says() {
    for case in cases() {
        let (kept, dropped) = run(&case);
        let expected: Vec<Dropped> = case
            .expected
            .iter()
            .map(|(row, reason)| Dropped {
                row: *row,
                reason: *reason,
            })
            .collect();
        assert_eq!(dropped, expected, "{}", case.name);
        let rest: Vec<usize> = (0..3)
            .filter(|row| case.expected.is_none_or(|(r, _)| r != *row))
            .collect();
        assert_eq!(kept, rest, "{}", case.name);
    }
}

#[test]
fn every_reason_of_the_filter_has_a_case() {
    let cases = cases();
    // The others are of the block and of later stages; the tests of the pipeline and the golden rows have them.
    let later = [
        DropReason::Removed,
        DropReason::Duplicate,
        DropReason::ChannelCap,
        DropReason::TagCap,
        DropReason::Outranked,
    ];
    for reason in DropReason::ALL.into_iter().filter(|r| !later.contains(r)) {
        assert!(
            cases.iter().any(|c| c.expected.is_some_and(|(_, r)| r == reason)),
            "{}",
            reason.as_str()
        );
    }
}

#[test]
fn the_first_reason_in_order_is_named() {
    let profile = Profile {
        blocked_channels: vec!["ch2".into()],
        age: Some(3.0),
        ..Profile::default()
    };
    let past = [event(EventKind::Watch, NOW, "v002", None)];
    let (_, dropped) = filter(&block(3), &profile, &past, NOW, None, Folding::current());
    assert_eq!(
        dropped,
        [Dropped {
            row: 2,
            reason: DropReason::BlockedChannel
        }]
    );
}

#[test]
fn what_is_the_same_to_look_at_shares_the_fate_of_what_was_seen() {
    use EventKind::{Dislike, Like, Watch};
    // v000, v002 and v004 are one video under three ids, v001 and v003 another; nothing is known of v005.
    let mut message = message(6);
    message.dictionary.extend(["cafe", "beef"].map(String::from));
    message.contents = vec![9, 10, 9, 10, 9, 0];
    let block = Block::from_message(message, ID, model().dims()).unwrap();
    let duplicates = |past: &[PastEvent<'_>], watching| {
        let (_, dropped) = filter(&block, &Profile::default(), past, NOW, watching, Folding::current());
        let twins = dropped.iter().filter(|d| d.reason == DropReason::Duplicate);
        twins.map(|d| d.row).collect::<Vec<_>>()
    };
    let seen = |video| event(Watch, 0, video, Some(0.9));
    assert_eq!(duplicates(&[], None), [0_usize; 0]);
    assert_eq!(duplicates(&[seen("v002")], None), [0, 4]);
    assert_eq!(duplicates(&[event(Dislike, 0, "v001", None)], None), [3]);
    assert_eq!(
        duplicates(&[event(Like, 0, "v001", None), seen("v005")], None),
        [0_usize; 0]
    );
    assert_eq!(duplicates(&[], Some("v003")), [1]);
    // A video that is in no block any more: the history knows what it looked like.
    let gone = PastEvent {
        content: Some("beef"),
        ..seen("long gone")
    };
    assert_eq!(duplicates(&[gone], None), [1, 3]);
    let begun = PastEvent {
        fraction: Some(0.1),
        ..gone
    };
    assert_eq!(duplicates(&[begun], None), [0_usize; 0]);
}

#[test]
fn names_are_distinct() {
    let mut names = DropReason::ALL.map(DropReason::as_str);
    names.sort_unstable();
    assert!(names.windows(2).all(|w| w[0] != w[1]));
}

#[test]
fn a_range_takes_in_what_is_written_below_it() {
    for (tag, range, within) in [
        ("zh", "zh", true),
        ("zh-Hant-TW", "zh", true),
        ("ZH-hant", "zh-Hant", true),
        ("zha", "zh", false),
        ("zh", "zh-Hant", false),
        ("zh-Hantx", "zh-Hant", false),
        ("", "zh", false),
        ("zh", "", false),
        ("日本", "日", false),
    ] {
        assert_eq!(speaks(tag, range), within, "{tag} in {range}");
    }
}
