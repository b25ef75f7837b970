#![allow(clippy::unwrap_used)]
mod diversity;
mod learning;

use super::*;
use crate::block::BlockMessage;
use crate::diversity::Method;
use crate::feature::EncodedUser;
use crate::filter::DropReason;
use crate::fixture::{ID, NOW, block, context, engine, feedback, message, model, viewer};
use crate::head::HeadWeights;
use crate::{Code, EventKind, LocalTime};
use proptest::prelude::*;

fn slate_of(block: &Block, viewer: &Viewer, context: &Context, options: &Options) -> Slate {
    recommend(&mut engine(), &model(), block, viewer, context, options).unwrap()
}

fn code_of(engine: &mut impl Engine, block: &Block, context: &Context, options: &Options) -> Code {
    recommend(engine, &model(), block, &viewer(block), context, options)
        .unwrap_err()
        .code()
}

/// What a viewer sees of a slate.
fn shown(slate: &Slate) -> Vec<(String, u32, Reason)> {
    slate
        .items
        .iter()
        .map(|i| (i.id.clone(), i.score.to_bits(), i.reason.clone()))
        .collect()
}

/// The candidates of `message` in another order.
fn shuffled(message: &BlockMessage, order: &[usize]) -> BlockMessage {
    let mut out = message.clone();
    let starts: Vec<usize> = message
        .tag_counts
        .iter()
        .scan(0, |at, n| {
            let from = *at;
            *at += *n as usize;
            Some(from)
        })
        .collect();
    macro_rules! columns { ($($name:ident),*) => { $(out.$name = order.iter().map(|i| message.$name[*i].clone()).collect();)* } }
    columns!(
        ids,
        vector_scales,
        factor_scales,
        sources,
        server_scores,
        priors,
        effects,
        log_popularity,
        length_seconds,
        published_at_ms,
        languages,
        ratings,
        channels,
        tag_counts,
        titles
    );
    out.vectors = order
        .iter()
        .flat_map(|i| message.vectors[i * 4..i * 4 + 4].to_vec())
        .collect();
    out.factors = order
        .iter()
        .flat_map(|i| message.factors[i * 3..i * 3 + 3].to_vec())
        .collect();
    out.tags = order
        .iter()
        .flat_map(|i| message.tags[starts[*i]..starts[*i] + message.tag_counts[*i] as usize].to_vec())
        .collect();
    out
}

#[test]
fn the_same_inputs_give_the_same_slate_bit_by_bit() {
    let block = block(60);
    let viewer = viewer(&block);
    let slate = slate_of(&block, &viewer, &context(), &Options::default());
    assert_eq!(slate, slate_of(&block, &viewer, &context(), &Options::default()));
    assert_eq!(slate.items.len(), 12);
    let mut warm = engine();
    for _ in 0..2 {
        assert_eq!(
            recommend(&mut warm, &model(), &block, &viewer, &context(), &Options::default()).unwrap(),
            slate
        );
    }
}

#[test]
fn every_candidate_is_shown_or_dropped_once() {
    let block = block(60);
    let slate = slate_of(
        &block,
        &viewer(&block),
        &context(),
        &Options {
            explore: 1.0,
            ..Options::default()
        },
    );
    let mut rows: Vec<usize> = slate
        .items
        .iter()
        .map(|i| i.row)
        .chain(slate.dropped.iter().map(|d| d.row))
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..60).collect::<Vec<_>>());
    let reason = |row| slate.dropped.iter().find(|d| d.row == row).map(|d| d.reason);
    assert_eq!(reason(0), Some(DropReason::Seen));
    assert_eq!(reason(3), Some(DropReason::NotInterested));
    assert!(slate.dropped.iter().any(|d| d.reason == DropReason::Outranked));
    for item in &slate.items {
        assert_eq!(block.id(item.row), item.id);
        assert!((0.0..=1.0).contains(&item.score));
    }
}

#[test]
fn without_diversity_the_slate_goes_by_the_head_of_order_and_shows_the_head_of_relevance() {
    const fn order(row: usize) -> f32 {
        (row * 37 % 61) as f32
    }
    let block = block(60);
    let mut engine = Fixed {
        vector: vec![0.5; 4],
        logits: |n| (0..n).flat_map(|row| [0.0, order(row)]).collect(),
    };
    let options = Options {
        diversity: 0.0,
        size: 50,
        ..Options::default()
    };
    let slate = recommend(&mut engine, &model(), &block, &Viewer::default(), &context(), &options).unwrap();
    let rows: Vec<usize> = slate.items.iter().map(|item| item.row).collect();
    assert!(rows.windows(2).all(|w| order(w[0]) > order(w[1])), "{rows:?}");
    assert!(slate.items.iter().all(|item| item.score == 0.5));
}

#[test]
fn a_page_may_weigh_the_heads_that_the_bundle_has() {
    let block = block(60);
    let viewer = viewer(&block);
    let weighing = |model: &ClientModel, head_weights: Option<HeadWeights>| {
        let options = Options {
            diversity: 0.0,
            head_weights,
            ..Options::default()
        };
        recommend(&mut engine(), model, &block, &viewer, &context(), &options)
    };
    let plain = weighing(&model(), None).unwrap();
    let liked = HeadWeights {
        liked: Some(1.0),
        ..HeadWeights::default()
    };
    let leaning = weighing(&model(), Some(liked)).unwrap();
    assert_ne!(shown(&leaning), shown(&plain));
    assert_ne!(leaning.receipt, plain.receipt);
    // Half of the weight is the bundle's own for relevance; the score that is shown stays the chance of relevance.
    let score = |slate: &Slate, id: &str| slate.items.iter().find(|item| item.id == id).map(|item| item.score);
    let both = plain.items.iter().filter(|item| score(&leaning, &item.id).is_some());
    assert!(both.clone().count() > 0);
    both.for_each(|item| assert_eq!(score(&leaning, &item.id), Some(item.score)));
    // What weighs as the bundle does is the bundle's order.
    let same = weighing(&model(), Some(HeadWeights::RELEVANT)).unwrap();
    assert_eq!(shown(&same), shown(&plain));
    let of_old = ClientModel {
        head_weights: HeadWeights::RELEVANT,
        ..model()
    };
    assert_eq!(shown(&weighing(&of_old, Some(liked)).unwrap()), shown(&plain));
    let nothing = HeadWeights {
        relevant: Some(0.0),
        ..HeadWeights::default()
    };
    assert_eq!(
        weighing(&model(), Some(nothing)).unwrap_err().code(),
        Code::RequestInvalid
    );
}

#[test]
fn exploration_is_told_and_seeded() {
    let block = block(60);
    let viewer = viewer(&block);
    let explored = |seed| {
        let slate = slate_of(
            &block,
            &viewer,
            &context(),
            &Options {
                explore: 1.0,
                seed,
                size: 20,
                ..Options::default()
            },
        );
        let drawn: Vec<String> = slate
            .items
            .into_iter()
            .filter(|i| i.reason.code == ReasonCode::Explore)
            .map(|i| i.id)
            .collect();
        assert_eq!(drawn.len(), 4);
        drawn
    };
    assert_eq!(explored(1), explored(1));
    assert_ne!(explored(1), explored(2));
    let familiar = slate_of(&block, &viewer, &context(), &Options::default());
    assert!(familiar.items.iter().all(|i| i.reason.code != ReasonCode::Explore));
}

#[test]
fn a_video_that_was_taken_down_is_no_reason_any_more() {
    let candidates = message(60);
    let block = Block::from_message(candidates.clone(), ID, model().dims()).unwrap();
    let options = Options {
        size: 60,
        ..Options::default()
    };
    let named = |block: &Block| -> Vec<String> {
        let slate = slate_of(block, &viewer(block), &context(), &options);
        slate.items.into_iter().filter_map(|item| item.reason.video).collect()
    };
    let before = named(&block);
    assert!(!before.is_empty());
    let mut removed = before.clone();
    removed.sort();
    removed.dedup();
    let later = BlockMessage { removed, ..candidates };
    let later = Block::from_message(later, ID, model().dims()).unwrap();
    assert!(named(&later).iter().all(|id| !before.contains(id)));
}

#[test]
fn a_video_that_was_taken_down_is_never_shown() {
    let candidates = message(60);
    let removed = vec!["v003".to_owned(), "v017".to_owned(), "who knows".to_owned()];
    let block = Block::from_message(BlockMessage { removed, ..candidates }, ID, model().dims()).unwrap();
    let options = Options {
        size: 60,
        explore: 1.0,
        watching: Some("v017".into()),
        ..Options::default()
    };
    let slate = slate_of(&block, &viewer(&block), &context(), &options);
    assert!(slate.items.iter().all(|item| !block.is_removed(&item.id)));
    let dropped = |row| slate.dropped.iter().find(|one| one.row == row).map(|one| one.reason);
    assert_eq!([3, 17].map(dropped), [Some(DropReason::Removed); 2]);
}

#[test]
fn of_videos_that_are_the_same_to_look_at_the_highest_is_shown_whatever_their_order() {
    let mut told = message(60);
    told.dictionary
        .extend((0..20).map(|content| format!("content {content}")));
    told.contents = (0..60).map(|row| if row % 4 == 3 { 0 } else { 9 + row % 20 }).collect();
    let options = Options {
        size: 60,
        diversity: 0.0,
        ..Options::default()
    };
    let viewer = Viewer::default();
    let of = |message: BlockMessage| {
        let block = Block::from_message(message, ID, model().dims()).unwrap();
        let slate = slate_of(&block, &viewer, &context(), &options);
        (block, slate)
    };
    let (block, slate) = of(told.clone());
    let (_, every) = of(message(60));
    let mut contents: Vec<&str> = Vec::new();
    let kept = every
        .items
        .iter()
        .map(|item| item.row)
        .filter(|row| match block.content(*row) {
            Some(content) if contents.contains(&content) => false,
            Some(content) => {
                contents.push(content);
                true
            }
            None => true,
        });
    let kept: Vec<usize> = kept.collect();
    assert!(kept.len() < 40);
    assert_eq!(slate.items.iter().map(|item| item.row).collect::<Vec<_>>(), kept);
    let twins = slate.dropped.iter().filter(|one| one.reason == DropReason::Duplicate);
    assert_eq!(twins.count() + slate.items.len(), 60);
    let order: Vec<usize> = (0..60).rev().collect();
    let mut turned = shuffled(&told, &order);
    turned.contents = order.iter().map(|row| told.contents[*row]).collect();
    assert_eq!(shown(&of(turned).1), shown(&slate));
}

#[test]
fn feedback_acts_at_once() {
    let block = block(60);
    let mut viewer = viewer(&block);
    let first = slate_of(&block, &viewer, &context(), &Options::default())
        .items
        .remove(0)
        .id;
    viewer
        .history
        .record(feedback(EventKind::NotInterested, NOW, &first, None), Some(&block))
        .unwrap();
    let after = slate_of(&block, &viewer, &context(), &Options::default());
    assert!(after.items.iter().all(|i| i.id != first));
}

#[test]
fn what_is_yet_to_happen_changes_nothing() {
    let block = block(60);
    let now = viewer(&block);
    let mut later = now.clone();
    for (at, video) in [(NOW, "v010"), (NOW + 9, "v011")] {
        later
            .history
            .record(feedback(EventKind::Like, at, video, None), Some(&block))
            .unwrap();
        later
            .history
            .record(feedback(EventKind::Comment, at, video, None), Some(&block))
            .unwrap();
    }
    let slate = |v| slate_of(&block, v, &context(), &Options::default());
    assert_eq!(shown(&slate(&now)), shown(&slate(&later)));
    assert_ne!(slate(&now).receipt, slate(&later).receipt);
}

#[test]
fn the_moment_matters() {
    let block = block(60);
    let viewer = viewer(&block);
    let at = |hour| Context {
        local_time: Some(LocalTime { hour, weekday: 2 }),
        ..context()
    };
    let vector = |hour| slate_of(&block, &viewer, &at(hour), &Options::default()).user_vector;
    assert_ne!(vector(3.0), vector(15.0));
}

#[test]
fn the_receipt_changes_with_every_input() {
    let (block, mut message) = (block(30), message(30));
    message.priors[3] += 0.5;
    let other_block = Block::from_message(message, ID, model().dims()).unwrap();
    let (base, options) = (viewer(&block), Options::default());
    let mut older = base.clone();
    older.profile.age = Some(31.0);
    let forgetful = Viewer {
        history: History::default(),
        ..base.clone()
    };
    let mut slates = vec![
        slate_of(&block, &base, &context(), &options),
        slate_of(&other_block, &base, &context(), &options),
        slate_of(&block, &older, &context(), &options),
        slate_of(&block, &forgetful, &context(), &options),
        slate_of(
            &block,
            &base,
            &Context {
                now_ms: NOW - 1,
                ..context()
            },
            &options,
        ),
        slate_of(
            &block,
            &base,
            &Context {
                device: None,
                ..context()
            },
            &options,
        ),
    ];
    let choices = [
        Options {
            size: 11,
            ..options.clone()
        },
        Options {
            method: Method::Ssd,
            ..options.clone()
        },
        Options {
            decay: 0.5,
            ..options.clone()
        },
        Options {
            seed: 1,
            ..options.clone()
        },
    ];
    slates.extend(choices.iter().map(|choice| slate_of(&block, &base, &context(), choice)));
    let mut receipts: Vec<&str> = slates.iter().map(|s| s.receipt.as_str()).collect();
    assert!(receipts.iter().all(|r| crate::bundle::is_sha256_hex(r)));
    receipts.sort_unstable();
    receipts.dedup();
    assert_eq!(receipts.len(), slates.len());
}

#[test]
fn a_newcomer_and_an_empty_block_have_slates() {
    let block = block(20);
    assert_eq!(
        slate_of(
            &block,
            &Viewer::default(),
            &Context {
                now_ms: NOW,
                ..Context::default()
            },
            &Options::default()
        )
        .items
        .len(),
        12
    );
    let empty = crate::fixture::block(0);
    assert!(
        slate_of(&empty, &Viewer::default(), &context(), &Options::default())
            .items
            .is_empty()
    );
}

#[test]
fn what_cannot_be_used_has_its_code() {
    let block = block(10);
    let elsewhere = ClientModel {
        bundle_id: "ff".repeat(32),
        ..model()
    };
    let refused = recommend(
        &mut engine(),
        &elsewhere,
        &block,
        &Viewer::default(),
        &context(),
        &Options::default(),
    );
    assert_eq!(refused.unwrap_err().code(), Code::BundleMismatch);
    let late = Context {
        now_ms: NOW + 1,
        ..context()
    };
    assert_eq!(
        code_of(&mut engine(), &block, &late, &Options::default()),
        Code::BlockExpired
    );
    let base = Options::default;
    for options in [
        Options { size: 0, ..base() },
        Options {
            size: MAX_SLATE + 1,
            ..base()
        },
        Options {
            diversity: 1.5,
            ..base()
        },
        Options {
            diversity: f32::NAN,
            ..base()
        },
        Options {
            explore: -0.1,
            ..base()
        },
        Options {
            personal: 1.5,
            ..base()
        },
        Options {
            fatigue: f32::NAN,
            ..base()
        },
    ] {
        assert_eq!(
            code_of(&mut engine(), &block, &context(), &options),
            Code::RequestInvalid
        );
    }
}

/// An engine that answers as told.
struct Fixed {
    vector: Vec<f32>,
    logits: fn(usize) -> Vec<f32>,
}

impl Engine for Fixed {
    fn user_vector(&mut self, _: &EncodedUser) -> Result<Vec<f32>, Error> {
        Ok(self.vector.clone())
    }

    fn rank(&mut self, _: &[f32], rows: usize) -> Result<Vec<f32>, Error> {
        Ok((self.logits)(rows))
    }
}

#[test]
fn an_engine_that_breaks_its_word_is_refused() {
    let block = block(10);
    let code = |vector: &[f32], logits| {
        code_of(
            &mut Fixed {
                vector: vector.into(),
                logits,
            },
            &block,
            &context(),
            &Options::default(),
        )
    };
    assert_eq!(code(&[0.5, f32::NAN, 0.5, 0.5], |n| vec![0.0; 2 * n]), Code::NotFinite);
    assert_eq!(code(&[0.5; 3], |n| vec![0.0; 2 * n]), Code::BundleInconsistent);
    assert_eq!(code(&[0.5; 4], |n| vec![0.0; 2 * n + 1]), Code::BundleInconsistent);
}

#[test]
fn candidates_without_a_finite_score_come_last() {
    let block = block(10);
    fn logits(rows: usize) -> Vec<f32> {
        let value = |i: usize| if i.is_multiple_of(2) { f32::NAN } else { i as f32 };
        (0..rows).flat_map(|i| [value(i); 2]).collect()
    }
    let mut engine = Fixed {
        vector: vec![0.5; 4],
        logits,
    };
    let slate = recommend(
        &mut engine,
        &model(),
        &block,
        &Viewer::default(),
        &context(),
        &Options::default(),
    )
    .unwrap();
    let ids: Vec<&str> = slate.items[5..].iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, ["v000", "v002", "v004", "v006", "v008"]);
    assert!(slate.items[5..].iter().all(|i| i.score == 0.0));
}

#[test]
fn equal_scores_go_by_id() {
    let block = block(10);
    let mut engine = Fixed {
        vector: vec![0.5; 4],
        logits: |n| vec![0.25; 2 * n],
    };
    let options = Options {
        diversity: 0.0,
        ..Options::default()
    };
    let slate = recommend(&mut engine, &model(), &block, &Viewer::default(), &context(), &options).unwrap();
    assert!(slate.items.windows(2).all(|w| w[0].id < w[1].id));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_order_of_candidates_in_the_block_changes_nothing(
        order in Just((0..40).collect::<Vec<usize>>()).prop_shuffle(), diversity in 0.0_f32..=1.0, explore in 0.0_f32..=1.0,
        method in prop::sample::select(Method::ALL.to_vec()), caps: bool,
    ) {
        let (plain, other) = (block(40), Block::from_message(shuffled(&message(40), &order), ID, model().dims()).unwrap());
        let viewer = viewer(&plain);
        let most = caps.then_some(3);
        let options = Options { diversity, explore, method, per_channel: most, per_tag: most, calibration: 0.2, ..Options::default() };
        let (a, b) = (slate_of(&plain, &viewer, &context(), &options), slate_of(&other, &viewer, &context(), &options));
        prop_assert_eq!(shown(&a), shown(&b));
        prop_assert_eq!(a.user_vector, b.user_vector);
    }
}
