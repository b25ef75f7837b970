//! The rows of the tiny set: one for each thing that a device can be told.

use upnext_core::diversity::Method;
use upnext_core::explore::Exploration;
use upnext_core::head::HeadWeights;
use upnext_core::history::{Feedback, History};
use upnext_core::pipeline::Options;
use upnext_core::{Context, EventKind, LocalTime, Profile};

use crate::fixture::NOW;
use crate::set::{Case, Set};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn feedback(kind: EventKind, before_ms: i64, video: Option<&str>) -> Feedback {
    Feedback {
        kind,
        at_ms: NOW - before_ms,
        video: video.map(str::to_owned),
        seconds: None,
        text: None,
        surface: None,
    }
}

fn watch(before_ms: i64, video: &str, seconds: f32) -> Feedback {
    Feedback {
        seconds: Some(seconds),
        ..feedback(EventKind::Watch, before_ms, Some(video))
    }
}

fn search(before_ms: i64, text: &str) -> Feedback {
    Feedback {
        text: Some(text.to_owned()),
        ..feedback(EventKind::Search, before_ms, None)
    }
}

fn history(set: &Set, events: impl IntoIterator<Item = Feedback>) -> serde_json::Value {
    let mut history = History::default();
    for event in events {
        history.record(event, Some(&set.block)).unwrap();
    }
    serde_json::from_str(&history.to_json()).unwrap()
}

/// A week of a viewer with tastes.
fn busy() -> Vec<Feedback> {
    use EventKind::{Comment, Dislike, Impression, Like, NotInterested, Share};
    vec![
        feedback(Impression, 7 * DAY, Some("v50")),
        watch(6 * DAY, "v10", 800.0),
        feedback(Like, 6 * DAY - HOUR, Some("v10")),
        watch(5 * DAY, "v11", 2.0),
        watch(4 * DAY, "v20", 400.0),
        search(3 * DAY, "猫 in a box"),
        feedback(Dislike, 3 * DAY, Some("v21")),
        feedback(Comment, 2 * DAY, Some("v30")),
        feedback(Share, 2 * DAY, Some("v31")),
        feedback(NotInterested, DAY, Some("v40")),
        search(DAY, "مباراة الليلة"),
        watch(2 * HOUR, "v41", 1.0),
    ]
}

/// Two days of showings of which the ranker knew nothing: videos with a positive first value are watched to their end.
fn taught(set: &Set) -> serde_json::Value {
    let mut history = History::default();
    for row in 0..40 {
        let (id, before_ms) = (set.block.id(row), (48 - row as i64) * HOUR);
        let shown = feedback(EventKind::Impression, before_ms, Some(id));
        history.record_expected(shown, Some(&set.block), Some(-0.5)).unwrap();
        if set.block.vector(row).unwrap().values[0] > 0 {
            let whole = watch(before_ms, id, 10_000.0);
            history.record(whole, Some(&set.block)).unwrap();
        }
    }
    serde_json::from_str(&history.to_json()).unwrap()
}

fn case(name: &str) -> Case {
    let nothing = History::default().to_json();
    Case {
        name: name.to_owned(),
        profile: Profile::default(),
        context: Context {
            now_ms: NOW,
            ..Context::default()
        },
        history: serde_json::from_str(&nothing).unwrap(),
        options: Options::default(),
    }
}

/// The cases, over what `set` holds.
pub fn cases(set: &Set) -> Vec<Case> {
    let moment = |offset: i32, device: &str, surface: &str| Context {
        now_ms: NOW,
        utc_offset_minutes: Some(offset),
        device: Some(device.to_owned()),
        surface: Some(surface.to_owned()),
        ..Context::default()
    };
    let somebody = Profile {
        age: Some(34.0),
        gender: Some("f".into()),
        latitude: Some(35.0),
        longitude: Some(139.0),
        language: Some("ja-JP".into()),
        time_zone: Some("Asia/Tokyo".into()),
        ..Profile::default()
    };
    let with = |name: &str, change: &dyn Fn(&mut Case)| {
        let mut case = case(name);
        change(&mut case);
        case
    };
    vec![
        case("nothing is known"),
        with("a phone at night", &|c| c.context = moment(540, "phone", "up-next")),
        with("a television on a Sunday afternoon", &|c| {
            c.context = moment(60, "tv", "home")
        }),
        with("what if it were Friday evening", &|c| {
            c.context = moment(60, "tv", "home");
            c.context.local_time = Some(LocalTime { hour: 20.5, weekday: 4 });
        }),
        with("words that the spec has never seen", &|c| {
            c.context = moment(-210, "fridge", "billboard");
            c.profile.gender = Some("x".into());
            c.profile.language = Some("qaa-Latn".into());
        }),
        with("a profile without a history", &|c| c.profile = somebody.clone()),
        with("a history without a profile", &|c| c.history = history(set, busy())),
        with("a whole viewer", &|c| {
            c.profile = somebody.clone();
            c.context = moment(540, "phone", "up-next");
            c.history = history(set, busy());
            c.options.watching = Some("v07".into());
        }),
        with("order of relevance alone", &|c| {
            c.history = history(set, busy());
            c.options.diversity = 0.0;
        }),
        with("the most different slate", &|c| {
            c.history = history(set, busy());
            c.options.diversity = 1.0;
        }),
        with("a determinantal slate", &|c| {
            c.history = history(set, busy());
            c.options.method = Method::Dpp;
            c.options.diversity = 0.6;
            c.options.size = 24;
        }),
        with("a slate by spectrum decomposition", &|c| {
            c.history = history(set, busy());
            c.options.method = Method::Ssd;
            c.options.diversity = 0.6;
            c.options.size = 24;
        }),
        with("channels mixed as the viewer's past is", &|c| {
            c.history = history(set, busy());
            c.options.calibration = 0.7;
        }),
        with("three of a channel and four of a tag at most", &|c| {
            c.options.per_channel = Some(3);
            c.options.per_tag = Some(4);
            c.options.explore = 1.0;
            c.options.size = 20;
        }),
        with("each further one of a channel or tag weighs less", &|c| {
            c.options.diversity = 0.0;
            c.options.decay = 0.4;
        }),
        with("one video", &|c| c.options.size = 1),
        with("more than there are", &|c| c.options.size = 200),
        with("a blocked channel and a blocked tag", &|c| {
            c.profile.blocked_channels = vec!["c1".into()];
            c.profile.blocked_tags = vec!["猫".into()];
        }),
        with("an excluded language", &|c| {
            c.profile.excluded_languages = vec!["JA".into()]
        }),
        with("a region of which some videos are kept", &|c| {
            c.profile.region = Some("ch".into());
            c.options.size = 60;
        }),
        with("what was seen under another name", &|c| {
            c.history = history(set, [watch(3 * DAY, "v12", 10_000.0)]);
            c.options.size = 60;
        }),
        with("a child", &|c| c.profile.age = Some(9.0)),
        with("half the places of exploration", &|c| {
            c.options.explore = 0.5;
            c.options.size = 30;
        }),
        with("all of them, with another seed", &|c| {
            c.options.explore = 1.0;
            c.options.size = 30;
            c.options.seed = 9_007_199_254_740_991;
        }),
        with("a personal head that has learnt a taste", &|c| {
            c.history = taught(set);
            c.options.personal = 1.0;
        }),
        with("videos that were shown and not played", &|c| {
            c.history = taught(set);
            c.options.fatigue = 1.0;
        }),
        with("exploring by what may be liked", &|c| {
            c.history = taught(set);
            c.options.explore = 1.0;
            c.options.exploration = Exploration::Thompson;
            c.options.seed = 2;
        }),
        with("rather what is liked and watched to its end", &|c| {
            c.history = history(set, busy());
            c.options.head_weights = Some(HeadWeights {
                liked: Some(1.0),
                finished: Some(0.5),
                ..HeadWeights::default()
            });
        }),
        with("events of the future change no feature", &|c| {
            c.history = history(set, [watch(-HOUR, "v10", 800.0), watch(0, "v12", 800.0)]);
        }),
        with("vectors of another bundle are not read", &|c| {
            let other = history(set, busy())
                .to_string()
                .replace(&set.bundle.model.bundle_id, &"0".repeat(64));
            c.history = serde_json::from_str(&other).unwrap();
        }),
    ]
}
