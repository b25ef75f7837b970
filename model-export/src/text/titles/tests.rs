#![allow(clippy::unwrap_used)]
use tempfile::TempDir;
use upnext_core::text::Folding;

use super::*;
use crate::bundle::Bundle;
use crate::compile::Precision;
use crate::evaluate::fixture::world;
use crate::text::fixture::TinyBert;
use crate::towers::Objective;
use crate::train::{Cache, Prepared, TrainConfig, train, train_with};

/// Words of the tiny model make titles that it can tell apart.
fn titled() -> Dataset {
    let mut data = world(5);
    let words = ["river", "guitar", "dance", "night", "live", "lively", "guitars", "a"];
    for (i, title) in data.videos.title.iter_mut().enumerate() {
        *title = Some(format!("{} {} {}", words[i % 8], words[i / 8 % 8], words[i / 64 % 8]).into());
    }
    data.videos.title[0] = None;
    data
}

fn config<'a>(encoder: &'a SentenceEncoder, cache: &'a TempDir) -> TitlesConfig<'a> {
    TitlesConfig {
        encoder,
        cache: cache.path(),
        dim: crate::analyse::BUILT_IN_TEXT.dim as usize,
        student: StudentConfig {
            buckets: 256,
            width: 8,
            epochs: 20,
            batch: 16,
            ..StudentConfig::default()
        },
    }
}

/// It does not see the order of words: the student, which knows n-grams alone, can say all that it says.
fn encoder() -> SentenceEncoder {
    let mut model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let positions = model.tensors.get_mut("embeddings.position_embeddings.weight").unwrap();
    positions.1.fill(0.0);
    model.write_tensors("", &model.tensors);
    SentenceEncoder::open(model.path()).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn towers_learn_from_an_encoders_titles_and_the_bundle_brings_its_student() {
    let (data, cache, encoder) = (titled(), TempDir::new().unwrap(), encoder());
    let split = Split::of(&data).unwrap();
    let config = config(&encoder, &cache);
    let titles = Titles::learn(&data, &split, &config).unwrap();
    // The student stands in for the encoder, on titles that it learnt and on those that it did not.
    assert!(titles.cosine() > 0.5, "{}", titles.cosine());
    let near = data.videos.title.iter().flatten().map(|title| {
        let vector = titles.vector(title).unwrap();
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
        let mut said = vec![0.0; config.dim];
        titles.student().encode(Folding::current(), title, &mut said);
        cosine(vector, &said)
    });
    let near: Vec<f32> = near.collect();
    assert!(near.iter().sum::<f32>() / near.len() as f32 > 0.7);
    assert!(titles.vector("something else").is_none());

    let mut few = TrainConfig::new(Objective::SampledSoftmax, 3);
    (few.towers.epochs, few.towers.final_epochs) = (1, 1);
    let given = Prepared {
        titles: Some(&titles),
        factors: None,
    };
    let trained = train_with(&data, &few, given, &Cache::none()).unwrap();
    let plain = train(&data, &few, &Cache::none()).unwrap();
    assert_eq!(trained.metrics["text.student_cosine"], titles.cosine());
    assert_ne!(trained.vectors, plain.vectors);
    // Factors know nothing of titles, and neither does what a device reads of the spec.
    assert_eq!(trained.factors, plain.factors);
    assert_eq!(trained.spec.to_json().unwrap(), plain.spec.to_json().unwrap());

    let root = TempDir::new().unwrap();
    let write = |model: &crate::train::Model| {
        model
            .write(&data, Objective::SampledSoftmax, Precision::F32, None, root.path())
            .unwrap();
        Bundle::open(root.path()).unwrap()
    };
    let bundle = write(&trained);
    assert_eq!(bundle.item_tensors().unwrap().titles.as_ref(), Some(titles.student()));
    assert_eq!(write(&plain).item_tensors().unwrap().titles, None);
}

#[test]
fn what_comes_later_changes_neither_projection_nor_student() {
    let (data, cache, encoder) = (titled(), TempDir::new().unwrap(), encoder());
    let split = Split::of(&data).unwrap();
    let config = config(&encoder, &cache);
    let before = Titles::learn(&data, &split, &config).unwrap();
    let mut later = data.clone();
    let met: Vec<u32> = (0..later.interactions.before(split.train_until_ms))
        .map(|row| later.interactions.video[row])
        .collect();
    let mut renamed = 0;
    for video in (0..later.videos.len()).filter(|video| {
        later.videos.published_at_ms[*video].is_none_or(|at| at >= split.train_until_ms)
            && !met.contains(&(*video as u32))
    }) {
        later.videos.title[video] = Some(format!("night river {video}").into());
        renamed += 1;
    }
    assert!(renamed > 0);
    let after = Titles::learn(&later, &split, &config).unwrap();
    assert_eq!(before.student(), after.student());
    for title in known(&data, &split) {
        assert_eq!(before.vector(&title), after.vector(&title));
    }
}

#[test]
fn components_hold_most_of_what_varies() {
    // Rows vary much along one direction, little along another, and not at all along the others.
    let mut vectors = TextVectors::new(5, 40);
    for (i, row) in vectors.rows_mut().enumerate() {
        let (much, little) = ((i % 8) as f32 - 3.5, (i % 5) as f32 * 0.01);
        row.copy_from_slice(&[3.0 + much, 1.0, little, 2.0 * much, 7.0]);
    }
    let projection = Projection::of(&vectors, 8);
    let first = &projection.components[..5];
    let expected = [1.0 / 5.0_f64.sqrt(), 0.0, 0.0, 2.0 / 5.0_f64.sqrt(), 0.0];
    let along: f64 = first.iter().zip(expected).map(|(a, b)| a * b).sum();
    assert!((along.abs() - 1.0).abs() < 1e-4, "{first:?}");
    let projected = projection.all(&vectors);
    assert_eq!((projected.dim, projected.len()), (8, 40));
    // Narrower than asked for: the rest is zero.
    assert!(projected.rows().all(|row| row[5..].iter().all(|v| *v == 0.0)));
}
