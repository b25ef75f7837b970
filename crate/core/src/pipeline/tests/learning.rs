//! What was learnt of the viewer, in their slates.

use super::*;
use crate::explore::Exploration;

/// Somebody who was shown forty videos and played those with a positive first value, which the ranker did not expect.
fn taught(block: &Block) -> Viewer {
    let mut viewer = Viewer::default();
    for row in 0..40 {
        let at_ms = NOW - (48 - row as i64) * 3_600_000;
        let shown = feedback(EventKind::Impression, at_ms, block.id(row), None);
        viewer.history.record_expected(shown, Some(block), Some(-0.5)).unwrap();
        if block.vector(row).unwrap().values[0] > 0 {
            let whole = feedback(EventKind::Watch, at_ms, block.id(row), Some(10_000.0));
            viewer.history.record(whole, Some(block)).unwrap();
        }
    }
    viewer
}

#[test]
fn the_personal_head_moves_the_slate_to_what_was_liked_and_a_wipe_ends_that() {
    let block = block(120);
    let viewer = taught(&block);
    let with = |viewer: &Viewer, personal| {
        let options = Options {
            personal,
            diversity: 0.0,
            ..Options::default()
        };
        slate_of(&block, viewer, &context(), &options)
    };
    let liked = |slate: &Slate| {
        let rows = slate.items.iter().map(|item| block.vector(item.row).unwrap());
        rows.filter(|row| row.values[0] > 0).count()
    };
    let (off, on) = (with(&viewer, 0.0), with(&viewer, 1.0));
    assert!(on.personal.acts(), "{:?}", on.personal);
    assert!(liked(&on) > liked(&off), "{} and {}", liked(&on), liked(&off));
    assert!(off.items.iter().all(|item| item.personal == 0.0));
    assert!(on.items.iter().any(|item| item.personal > 0.1));
    for item in &on.items {
        let before = off.items.iter().find(|other| other.id == item.id);
        assert!(
            before.is_none_or(|before| before.frozen == item.frozen),
            "the ranker stays as it is"
        );
    }
    let (standing, lessons) = learnt(&model(), &block, &viewer, NOW);
    assert_eq!(standing, on.personal);
    for item in &on.items {
        assert_eq!(lessons[item.row], item.personal);
    }
    let wiped = Viewer::default();
    assert_eq!(
        learnt(&model(), &block, &wiped, NOW),
        (Default::default(), vec![0.0; block.len()])
    );
    assert_eq!(shown(&with(&wiped, 0.0)), shown(&with(&wiped, 1.0)));
    assert_eq!(with(&wiped, 1.0).personal, crate::personal::Standing::default());
}

#[test]
fn a_receipt_of_the_first_version_replays_with_the_head_of_that_day() {
    let block = block(60);
    let viewer = taught(&block);
    let options = |personal| Options {
        personal,
        diversity: 0.0,
        ..Options::default()
    };
    let of = |version, options: &Options| {
        recommend_as(version, &mut engine(), &model(), &block, &viewer, &context(), options).unwrap()
    };
    let again = |slate: &Slate, options: &Options| {
        let receipt = &slate.receipt;
        super::super::replay(&mut engine(), &model(), &block, &viewer, &context(), options, receipt).unwrap()
    };
    let (with, without) = (options(1.0), options(0.0));
    let (first, latest) = (of(Version::First, &with), of(Version::Second, &with));
    assert_ne!(first.receipt, latest.receipt);
    assert!(
        first
            .items
            .iter()
            .zip(&latest.items)
            .any(|(a, b)| a.personal != b.personal),
        "two heads"
    );
    assert_eq!(again(&first, &with), first);
    assert_eq!(again(&latest, &with), latest);
    // Where the head has no say, nothing has changed, and the receipt says so.
    assert_eq!(
        of(Version::First, &without).receipt,
        of(Version::Second, &without).receipt
    );
    // Of other inputs it is a slate of today.
    let other = Slate {
        receipt: "0".repeat(64),
        ..first
    };
    assert_eq!(again(&other, &with), latest);
}

#[test]
fn what_was_shown_again_and_again_and_never_played_falls_and_comes_back() {
    let block = block(60);
    let place = |times: i64, fatigue: f32, days_ago: i64| {
        let mut viewer = Viewer::default();
        for time in 0..times {
            let at_ms = NOW - days_ago * 86_400_000 - (time + 1) * 3_600_000;
            let event = feedback(EventKind::Impression, at_ms, "v007", None);
            viewer.history.record(event, Some(&block)).unwrap();
        }
        let options = Options {
            fatigue,
            diversity: 0.0,
            size: 60,
            ..Options::default()
        };
        let slate = slate_of(&block, &viewer, &context(), &options);
        slate.items.iter().position(|item| item.id == "v007").unwrap()
    };
    let places: Vec<usize> = [0, 1, 3, 10, 40].map(|times| place(times, 1.0, 0)).into();
    assert!(places.is_sorted(), "{places:?}");
    assert!(places[4] > places[0], "{places:?}");
    assert!(place(40, 1.0, 200) <= place(40, 0.0, 200), "it comes back");
}

#[test]
fn thompson_sampling_explores_what_may_be_liked_and_says_with_what_chance() {
    let block = block(120);
    let viewer = taught(&block);
    let slate = |exploration, seed| {
        let options = Options {
            explore: 1.0,
            size: 20,
            personal: 1.0,
            exploration,
            seed,
            ..Options::default()
        };
        slate_of(&block, &viewer, &context(), &options)
    };
    let options = Options {
        personal: 1.0,
        diversity: 0.0,
        size: 120,
        ..Options::default()
    };
    let order = slate_of(&block, &viewer, &context(), &options).items;
    // Mean place, in the order without exploring, of what was drawn.
    let mean = |exploration| {
        let slates = (0..60).map(|seed| slate(exploration, seed));
        let drawn = slates
            .flat_map(|slate| slate.items)
            .filter(|item| item.propensity < 1.0);
        let places: Vec<usize> = drawn
            .map(|drawn| order.iter().position(|item| item.id == drawn.id).unwrap())
            .collect();
        assert_eq!(places.len(), 60 * 4);
        places.iter().sum::<usize>() as f32 / places.len() as f32
    };
    let (uniform, thompson) = (mean(Exploration::Uniform), mean(Exploration::Thompson));
    assert!(thompson < uniform - 5.0, "{thompson} against {uniform}");
    // The last place is drawn first: the chances of all that was seen there sum to no more than 1, and to nearly that.
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..400 {
        let item = slate(Exploration::Thompson, seed).items.swap_remove(19);
        seen.insert(item.id, item.propensity);
    }
    let sum: f32 = seen.values().sum();
    assert!(sum > 0.9 && sum < 1.0 + 1e-5, "{sum}");
}

#[test]
fn what_was_offered_is_remembered_and_only_impressions_keep_it() {
    let block = block(60);
    let mut viewer = viewer(&block);
    let slate = slate_of(&block, &viewer, &context(), &Options::default());
    let mut offered = Offered::default();
    offered.remember(&slate);
    offered.remember(&slate);
    let item = &slate.items[2];
    assert_eq!(offered.expected(Some(&item.id)), Some(item.frozen));
    assert_eq!(offered.expected(Some("nowhere")), None);
    assert_eq!(offered.expected(None), None);
    for kind in [EventKind::Impression, EventKind::Watch] {
        let event = feedback(kind, NOW, &item.id, None);
        let expected = offered.expected(Some(&item.id));
        viewer.history.record_expected(event, Some(&block), expected).unwrap();
    }
    let kept: Vec<Option<f32>> = viewer
        .history
        .events()
        .rev()
        .take(2)
        .map(|event| event.expected)
        .collect();
    assert_eq!(kept, [None, Some(item.frozen)]);
    assert_eq!(
        History::parse(viewer.history.to_json().as_bytes()).unwrap(),
        viewer.history
    );
}
