#![allow(clippy::unwrap_used)]
use super::*;
use crate::Code;
use crate::block::Block;
use crate::bundle::{Alignment, ClientModel};
use crate::fixture::{NOW, block, feedback, message, model, viewer};
use proptest::prelude::*;

fn history() -> History {
    viewer(&block(5)).history
}

fn past_vectors(history: &History, model: &ClientModel) -> Vec<bool> {
    let texts = SearchTexts::new(history, model);
    history
        .past(model, &texts)
        .iter()
        .map(|e| e.vector.is_some() && e.factor.is_some())
        .collect()
}

#[test]
fn the_stored_form_gives_the_history_back() {
    let history = history();
    let read = History::parse(history.to_json().as_bytes()).unwrap();
    assert_eq!(read, history);
    assert_eq!(read.digest(), history.digest());
    assert_eq!(
        History::parse(History::default().to_json().as_bytes()).unwrap(),
        History::default()
    );
}

#[test]
fn an_event_keeps_what_the_block_knew_of_its_video() {
    let block = block(5);
    let history = history();
    let event = history.events().find(|e| e.video.as_deref() == Some("v002")).unwrap();
    assert_eq!(
        (event.title.as_deref(), event.channel.as_deref()),
        (Some("Video 2"), Some("ch2"))
    );
    assert_eq!(event.length_seconds, block.length_seconds(2));
    let stored = event.model.as_ref().unwrap();
    assert_eq!(stored.vector.row(4), block.vector(2));
    assert_eq!(stored.factor.as_ref().unwrap().row(3), block.factor(2));
}

#[test]
fn a_video_that_left_the_block_is_known_from_earlier() {
    let mut history = history();
    history
        .record(feedback(EventKind::Watch, NOW, "v002", Some(9.0)), None)
        .unwrap();
    history
        .record(feedback(EventKind::Watch, NOW, "new", Some(9.0)), None)
        .unwrap();
    let latest: Vec<bool> = history.events().map(|e| e.model.is_some()).collect();
    assert_eq!(latest[latest.len() - 2..], [true, false]);
}

#[test]
fn vectors_of_another_bundle_or_width_are_not_read() {
    let history = history();
    assert_eq!(past_vectors(&history, &model()), [true, true, true, false, true]);
    let other = ClientModel {
        bundle_id: "ff".repeat(32),
        ..model()
    };
    assert_eq!(past_vectors(&history, &other), [false; 5]);
    let mut wider = model();
    (wider.spec.vector_dim, wider.spec.factor_dim) = (5, 4);
    assert_eq!(past_vectors(&history, &wider), [false; 5]);
}

#[test]
fn a_search_has_its_text_vector_and_a_comment_has_none() {
    let mut history = history();
    let comment = Feedback {
        text: Some("nice".into()),
        ..feedback(EventKind::Comment, NOW, "v001", None)
    };
    history.record(comment, None).unwrap();
    let texts = SearchTexts::new(&history, &model());
    let past = history.past(&model(), &texts);
    for (event, past) in history.events().zip(&past) {
        assert_eq!(past.text.is_some(), event.kind == EventKind::Search);
    }
    assert!(past.iter().any(|e| e.text.is_some_and(|t| t.iter().any(|v| *v != 0.0))));
}

#[test]
fn seconds_are_a_fraction_of_a_watch_alone() {
    let mut history = History::default();
    let block = block(1);
    history
        .record(feedback(EventKind::Watch, 1, "v000", Some(10.0)), Some(&block))
        .unwrap();
    history
        .record(feedback(EventKind::Like, 2, "v000", Some(10.0)), Some(&block))
        .unwrap();
    let texts = SearchTexts::new(&history, &model());
    let fractions: Vec<_> = history.past(&model(), &texts).iter().map(|e| e.fraction).collect();
    assert_eq!(fractions, [Some(0.5), None]);
}

#[test]
fn events_stand_in_the_order_of_time_and_of_recording() {
    let mut history = History::default();
    for (at, video) in [(5, "a"), (3, "b"), (5, "c"), (4, "d")] {
        history
            .record(feedback(EventKind::Like, at, video, None), None)
            .unwrap();
    }
    let order: Vec<_> = history.events().filter_map(|e| e.video.as_deref()).collect();
    assert_eq!(order, ["b", "d", "a", "c"]);
}

#[test]
fn impressions_go_first_where_there_is_no_more_room_then_the_oldest() {
    let mut history = History::default();
    history
        .record(feedback(EventKind::Watch, 0, "old", None), None)
        .unwrap();
    history
        .record(feedback(EventKind::Impression, 1, "shown", None), None)
        .unwrap();
    for at in 2..MAX_EVENTS as i64 + 1 {
        history.record(feedback(EventKind::Watch, at, "v", None), None).unwrap();
    }
    assert_eq!(history.len(), MAX_EVENTS);
    assert_eq!(history.events().next().unwrap().video.as_deref(), Some("old"));
    history
        .record(feedback(EventKind::Watch, MAX_EVENTS as i64 + 1, "v", None), None)
        .unwrap();
    assert_eq!(history.len(), MAX_EVENTS);
    assert_eq!(history.events().next().unwrap().at_ms, 2);
}

#[test]
fn a_refused_event_leaves_the_history_as_it_was() {
    let fine = || feedback(EventKind::Watch, NOW, "v000", Some(1.0));
    let search = |text: Option<&str>| Feedback {
        text: text.map(Into::into),
        video: None,
        ..feedback(EventKind::Search, NOW, "", None)
    };
    let refused = [
        Feedback { video: None, ..fine() },
        Feedback {
            video: Some(String::new()),
            ..fine()
        },
        Feedback {
            video: Some("x".repeat(257)),
            ..fine()
        },
        Feedback {
            seconds: Some(f32::NAN),
            ..fine()
        },
        Feedback {
            seconds: Some(-1.0),
            ..fine()
        },
        Feedback {
            surface: Some("x".repeat(257)),
            ..fine()
        },
        Feedback {
            text: Some("x".repeat(2049)),
            ..fine()
        },
        Feedback {
            video: Some("v".into()),
            ..search(Some("q"))
        },
        search(None),
    ];
    let mut history = history();
    let before = history.clone();
    for event in refused {
        assert_eq!(history.record(event, None).unwrap_err().code(), Code::RequestInvalid);
    }
    assert_eq!(history, before);
    history.record(search(Some("q")), None).unwrap();
}

#[test]
fn a_stored_history_that_cannot_be_trusted_is_refused() {
    let event = r#"{"kind":"like","atMs":1,"video":"v"}"#;
    let model = |scale: &str, levels: &str| {
        let id = "ab".repeat(32);
        format!(
            r#"{{"kind":"like","atMs":1,"video":"v","model":{{"bundleId":"{id}","vector":{{"scale":{scale},"levels":"{levels}"}}}}}}"#
        )
    };
    let wrap = |event: &str| format!(r#"{{"version":1,"events":[{event}]}}"#);
    assert!(History::parse(wrap(event).as_bytes()).is_ok());
    assert!(History::parse(wrap(&model("0.5", "7f81")).as_bytes()).is_ok());
    for text in [
        "".into(),
        "null".into(),
        "[]".into(),
        r#"{"version":1}"#.into(),
        r#"{"version":2,"events":[]}"#.into(),
        r#"{"version":1,"events":[],"more":1}"#.into(),
        wrap(r#"{"kind":"like","atMs":1}"#),
        wrap(r#"{"kind":"stare","atMs":1,"video":"v"}"#),
        wrap(r#"{"kind":"like","atMs":1.5,"video":"v"}"#),
        wrap(r#"{"kind":"watch","atMs":1,"video":"v","seconds":-3}"#),
        wrap(r#"{"kind":"watch","atMs":1,"video":"v","seconds":1e99}"#),
        wrap(&model("-1", "00")),
        wrap(&model("1", "0")),
        wrap(&model("1", "zz")),
        wrap(&model("1", &"00".repeat(1025))),
    ] {
        assert_eq!(
            History::parse(text.as_bytes()).unwrap_err().code(),
            Code::ProfileInvalid,
            "{text}"
        );
    }
}

#[test]
fn a_stored_history_cut_anywhere_is_refused() {
    let text = history().to_json();
    for end in 0..text.len() {
        assert!(History::parse(&text.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn the_digest_tells_every_field_and_the_order() {
    let one = |e: StoredEvent| History::from_events([e]).unwrap().digest();
    let base = StoredEvent {
        video: Some("v".into()),
        ..StoredEvent::new(EventKind::Watch, 1)
    };
    let mut digests = vec![
        one(base.clone()),
        one(StoredEvent {
            at_ms: 2,
            ..base.clone()
        }),
        one(StoredEvent {
            kind: EventKind::Like,
            ..base.clone()
        }),
        one(StoredEvent {
            seconds: Some(1.0),
            ..base.clone()
        }),
        one(StoredEvent {
            surface: Some("home".into()),
            ..base.clone()
        }),
        History::default().digest(),
        History::from_events([base.clone(), base]).unwrap().digest(),
    ];
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 7);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = History::parse(&bytes);
    }

    #[test]
    fn a_changed_history_is_refused_or_readable(at: prop::sample::Index, byte: u8) {
        let mut bytes = history().to_json().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(history) = History::parse(&bytes) {
            past_vectors(&history, &model());
        }
    }

    /// Liked or watched for half, the last word on it not a bad one; the latest first, by the moment of the latest such event.
    #[test]
    fn recent_videos_are_the_latest_that_were_found_relevant(
        did in prop::collection::vec((0_usize..8, 0_i64..12, 0_u8..4, 0_u8..25), 0..40),
        most in 0_usize..5,
        now in 0_i64..12,
    ) {
        let mut history = History::default();
        for (kind, at_ms, video, seconds) in did {
            let kind = EventKind::ALL[kind];
            let event = StoredEvent {
                video: (kind != EventKind::Search).then(|| format!("v{video}")),
                text: (kind == EventKind::Search).then(|| "x".to_owned()),
                seconds: Some(f32::from(seconds)),
                length_seconds: (video > 0).then_some(20.0),
                ..StoredEvent::new(kind, at_ms)
            };
            history.insert(event);
        }
        let past: Vec<&StoredEvent> = history.events().filter(|event| event.at_ms <= now).collect();
        let mut expected: Vec<(usize, String)> = Vec::new();
        for video in (0..4).map(|video| format!("v{video}")) {
            let own = || past.iter().enumerate().filter(|(_, event)| event.video.as_ref() == Some(&video));
            let mut found = own().filter(|(_, event)| match event.kind {
                EventKind::Like => true,
                EventKind::Watch => video != "v0" && event.seconds >= Some(10.0),
                _ => false,
            });
            let bad = |kind| matches!(kind, EventKind::Dislike | EventKind::NotInterested);
            let good = |kind| matches!(kind, EventKind::Like | EventKind::Share);
            let word = own().rfind(|(_, event)| bad(event.kind) || good(event.kind));
            if let Some((at, _)) = found.next_back()
                && !word.is_some_and(|(_, event)| bad(event.kind))
            {
                expected.push((at, video));
            }
        }
        expected.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        expected.truncate(most);
        let expected: Vec<&str> = expected.iter().map(|(_, video)| video.as_str()).collect();
        prop_assert_eq!(history.recent(most, now), expected);
    }
}

/// A product of two reflections: any such matrix is a rotation.
fn rotation(numbers: &[f32], width: usize) -> Vec<f32> {
    let reflection = |n: &[f32]| -> Vec<f32> {
        let squared: f32 = n.iter().map(|x| x * x).sum::<f32>().max(1e-3);
        let cell = |at: usize| {
            let (i, j) = (at / width, at % width);
            f32::from(u8::from(i == j)) - 2.0 * n[i] * n[j] / squared
        };
        (0..width * width).map(cell).collect()
    };
    let (a, b) = (reflection(&numbers[..width]), reflection(&numbers[width..2 * width]));
    a.chunks_exact(width).flat_map(|row| times(row, &b, width)).collect()
}

fn times(row: &[f32], matrix: &[f32], width: usize) -> Vec<f32> {
    (0..width)
        .map(|j| (0..width).map(|i| row[i] * matrix[i * width + j]).sum())
        .collect()
}

/// Rows of width `width`, quantised, into columns of a block.
fn columns(rows: &[Vec<f32>]) -> (Vec<u8>, Vec<f32>) {
    let (mut levels, mut scales) = (Vec::new(), Vec::new());
    for row in rows {
        let mut own = vec![0; row.len()];
        scales.push(crate::quantize(row, &mut own));
        levels.extend(own.iter().map(|level| level.cast_unsigned()));
    }
    (levels, scales)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A viewer whose bundle was replaced by one that has all in other directions is encoded as if it had been that
    /// bundle from the first day: each value of the pools within 0.02, for rows of length 1.
    #[test]
    fn a_history_outlives_an_upgrade(
        of_vectors in prop::collection::vec(-1.0_f32..1.0, 8), of_factors in prop::collection::vec(-1.0_f32..1.0, 6),
        cells in prop::collection::vec(-1.0_f32..1.0, 5 * 7),
    ) {
        let dims = model().dims();
        let (q, p) = (rotation(&of_vectors, dims.vector), rotation(&of_factors, dims.factor));
        let unit = |row: &[f32]| -> Vec<f32> {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(0.1);
            row.iter().map(|x| x / length).collect()
        };
        let rows: Vec<(Vec<f32>, Vec<f32>)> = cells.chunks_exact(7).map(|row| (unit(&row[..4]), unit(&row[4..]))).collect();
        let next = ClientModel {
            bundle_id: "cd".repeat(32),
            alignment: Some(Alignment::new(model().bundle_id, dims, q.clone(), p.clone()).unwrap()),
            ..model()
        };
        let block_of = |model: &ClientModel, turn: bool| {
            let turned = |row: &Vec<f32>, by: &[f32]| if turn { times(row, by, row.len()) } else { row.clone() };
            let vectors: Vec<Vec<f32>> = rows.iter().map(|(row, _)| turned(row, &q)).collect();
            let factors: Vec<Vec<f32>> = rows.iter().map(|(_, row)| turned(row, &p)).collect();
            let mut message = message(5);
            (message.vectors, message.vector_scales) = columns(&vectors);
            (message.factors, message.factor_scales) = columns(&factors);
            message.bundle_id.clone_from(&model.bundle_id);
            Block::from_message(message, &model.bundle_id, dims).unwrap()
        };
        let mut carried = viewer(&block_of(&model(), false));
        let native = viewer(&block_of(&next, true));
        let before = carried.history.digest();
        prop_assert_eq!(carried.history.align(&next), native.history.events().filter(|e| e.model.is_some()).count());
        prop_assert_ne!(carried.history.digest(), before);
        prop_assert_eq!(carried.history.align(&next), 0, "once");
        prop_assert_eq!(&History::parse(carried.history.to_json().as_bytes()).unwrap(), &carried.history);
        let dense = |viewer: &crate::pipeline::Viewer| viewer.encode(&next, &crate::fixture::context()).unwrap().dense;
        let pools = 4 * dims.vector;
        for (a, b) in dense(&carried).iter().zip(dense(&native)).take(pools) {
            prop_assert!((a - b).abs() < 0.02, "{} against {}", a, b);
        }
    }
}

#[test]
fn rows_of_other_bundles_are_left_as_they_are() {
    let before = history();
    let mut after = before.clone();
    assert_eq!(after.align(&model()), 0, "it brings no alignment");
    let dims = model().dims();
    let eye = |width: usize| {
        (0..width * width)
            .map(|at| f32::from(u8::from(at % (width + 1) == 0)))
            .collect()
    };
    let next = ClientModel {
        bundle_id: "cd".repeat(32),
        alignment: Some(Alignment::new("ef".repeat(32), dims, eye(4), eye(3)).unwrap()),
        ..model()
    };
    assert_eq!(after.align(&next), 0, "of a bundle that this viewer never had");
    assert_eq!(after, before);
}
