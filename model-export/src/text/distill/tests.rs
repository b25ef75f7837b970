#![allow(clippy::unwrap_used)]
use std::fs;

use super::*;
use crate::text::fixture::TinyBert;

/// A file of a few hundred titles out of the tiny model's words and others.
fn titles(dir: &std::path::Path) -> TextSource {
    let words = [
        "river", "guitars", "dance", "a", "night", "live", "lively", "harbour", "été",
    ];
    let mut table = "id,title\n".to_owned();
    let mut id = 0;
    for a in words {
        for b in words {
            for c in words {
                id += 1;
                table += &format!("{id},{a} {b} {c} number {}\n", id % 40);
            }
        }
    }
    let path = dir.join("titles.csv");
    fs::write(&path, table).unwrap();
    path.to_str().unwrap().parse().unwrap()
}

fn config(dir: &std::path::Path) -> DistillConfig {
    let more = dir.join("more.txt");
    fs::write(&more, "river|night|quiet harbour\n").unwrap();
    DistillConfig {
        titles: vec![titles(dir)],
        more: vec![format!("{}:line:|", more.display()).parse().unwrap()],
        fragments: 2,
        student: StudentConfig {
            buckets: 512,
            width: 8,
            epochs: 15,
            batch: 64,
            ..StudentConfig::default()
        },
    }
}

#[test]
fn nothing_is_learnt_from_that_is_held_out() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let seed = config.student.seed;
    let all = distinct(config.titles[0].read().unwrap());
    let (held, learnt): (Vec<&str>, Vec<&str>) = all
        .iter()
        .map(String::as_str)
        .partition(|title| part(title, seed) != Part::Learnt);
    // Two of ten, by the hash.
    assert!((100..200).contains(&held.len()), "{}", held.len());
    let lessons = lessons(&config, &learnt, &held).unwrap();
    for title in held {
        let query = shortened(title, seed).unwrap();
        assert!(!lessons.iter().any(|text| {
            [
                Folding::current().normalise(title),
                Folding::current().normalise(&query),
            ]
            .contains(&Folding::current().normalise(text))
        }));
    }
    assert!(lessons.contains(&"quiet harbour".to_owned()));
    assert!(lessons.len() > learnt.len());
}

#[test]
fn a_student_of_a_tiny_teacher_is_nearer_to_it_than_another_teachers() {
    let dir = tempfile::tempdir().unwrap();
    let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let teacher = SentenceEncoder::open(model.path()).unwrap();
    let mut store = VectorStore::in_memory(teacher.dim());
    let config = config(dir.path());
    let (student, report) = distill(&teacher, &mut store, &config).unwrap();
    let set = &report.sets[0];
    assert_eq!(
        (set.titles, report.bytes),
        (729, to_safetensors(&student, teacher.hash()).unwrap().len())
    );
    assert!(set.held_out > 40 && set.queries == set.held_out);
    assert!(set.cosine > 0.8, "{}", report.table());
    assert_eq!(set.recall.len(), 5);
    for Recall(at) in set.recall.values() {
        let shares: Vec<f64> = at.values().copied().collect();
        assert!(shares.is_sorted() && shares.iter().all(|s| (0.0..=1.0).contains(s)));
    }
    // Its own vectors of the titles, against another model's: the figure does not come by itself.
    let other = TinyBert::new("roberta", "relu", "pooling_mode_max_tokens");
    let other = SentenceEncoder::open(other.path()).unwrap();
    let mut store = VectorStore::in_memory(other.dim());
    let text = ["a night dance number 3"];
    let (wanted, strange) = (
        teacher.encode(&text, &mut VectorStore::in_memory(8)).unwrap(),
        other.encode(&text, &mut store).unwrap(),
    );
    let mut vector = vec![0.0; student.dim()];
    student.encode(Folding::current(), text[0], &mut vector);
    let cosine = |a: &[f32]| -> f32 { a.iter().zip(&vector).map(|(a, b)| a * b).sum() };
    assert!(cosine(wanted.row(0)) > cosine(strange.row(0)));
    assert!(report.table().contains("of the teacher's ten"));
}
