#![allow(clippy::unwrap_used, clippy::panic)]
use upnext_core::text::Folding;

use super::*;
use crate::Error;
use crate::text::TextVectors;

/// A teacher whose vector of a text is the sum of a fixed vector of each word.
fn teacher(texts: &[&str], dim: usize) -> TextVectors {
    let mut vectors = TextVectors::new(dim, texts.len());
    for (text, row) in texts.iter().zip(vectors.rows_mut()) {
        for word in text.split(' ') {
            for (i, v) in row.iter_mut().enumerate() {
                let bits = upnext_core::hash::hash64(i as u64 + 1, word.as_bytes());
                *v += if bits & 1 == 0 { 1.0 } else { -1.0 };
            }
        }
    }
    vectors
}

fn sentences() -> Vec<String> {
    let words = [
        "river", "guitar", "football", "pasta", "winter", "planet", "puppy", "castle", "engine", "dance",
    ];
    let mut all = Vec::new();
    for a in words {
        for b in words {
            for c in words {
                all.push(format!("{a} {b} {c}"));
            }
        }
    }
    all
}

fn config() -> StudentConfig {
    StudentConfig {
        buckets: 512,
        width: 16,
        epochs: 30,
        batch: 64,
        ..StudentConfig::default()
    }
}

fn trained() -> (Student, Fitted) {
    let all = sentences();
    let (held, learnt): (Vec<(usize, &str)>, Vec<_>) = all
        .iter()
        .map(String::as_str)
        .enumerate()
        .partition(|(i, _)| i % 7 == 0);
    let texts = |some: &[(usize, &str)]| -> Vec<String> { some.iter().map(|(_, t)| (*t).to_owned()).collect() };
    let (held, learnt) = (texts(&held), texts(&learnt));
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let learnt: Vec<&str> = learnt.iter().map(String::as_str).collect();
    let (held_vectors, learnt_vectors) = (teacher(&held, 24), teacher(&learnt, 24));
    let lesson = Lesson {
        texts: &learnt,
        vectors: &learnt_vectors,
    };
    let test = Lesson {
        texts: &held,
        vectors: &held_vectors,
    };
    fit(lesson, test, &config(), |_, _| {}).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn it_learns_a_teacher_that_adds_words_and_int8_keeps_it() {
    let (student, fitted) = trained();
    assert!(fitted.held_cosine[fitted.epoch - 1] > 0.95, "{fitted:?}");
    let texts = ["castle planet dance", "pasta pasta engine"];
    let wanted = teacher(&texts, 24);
    for (text, wanted) in texts.iter().zip(wanted.rows()) {
        let mut vector = vec![0.0; student.dim()];
        student.encode(Folding::current(), text, &mut vector);
        assert!(cosine(&vector, wanted) > 0.93, "{text}: {}", cosine(&vector, wanted));
    }
}

#[test]
fn the_same_seed_gives_the_same_student() {
    assert_eq!(trained(), trained());
}

#[test]
fn a_text_without_a_word_gives_zeros_and_others_length_one() {
    let (student, _) = trained();
    let mut vector = vec![9.0; student.dim()];
    student.encode(Folding::current(), " … ", &mut vector);
    assert!(vector.iter().all(|v| *v == 0.0));
    student.encode(Folding::current(), "winter", &mut vector);
    assert!((vector.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
}

#[test]
fn a_file_gives_the_same_student_and_half_a_file_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("student.safetensors");
    let (student, _) = trained();
    let bytes = to_safetensors(&student, "teacher's hash").unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&path).unwrap(), student);
    // Table and map, their scales, and a header.
    let payload = 512 * (16 + 4) + 24 * (16 + 4);
    assert!((payload..payload + 1024).contains(&bytes.len()));
    for cut in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.code().as_str(), "text-model-invalid", "{cut} bytes: {error}");
    }
}

#[test]
fn options_out_of_range_are_named() {
    let texts = ["a b"];
    let vectors = teacher(&texts, 4);
    let lesson = Lesson {
        texts: &texts,
        vectors: &vectors,
    };
    let wrong = [
        ("--width", StudentConfig { width: 0, ..config() }),
        ("--min-n", StudentConfig { min_n: 0, ..config() }),
        (
            "--dropout",
            StudentConfig {
                dropout: 1.0,
                ..config()
            },
        ),
        (
            "--rate",
            StudentConfig {
                rate: f32::NAN,
                ..config()
            },
        ),
    ];
    for (name, config) in wrong {
        match fit(lesson, lesson, &config, |_, _| {}) {
            Err(Error::ConfigInvalid { option, .. }) => assert_eq!(option, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let none = TextVectors::new(4, 0);
    let none = Lesson {
        texts: &[],
        vectors: &none,
    };
    assert!(fit(none, lesson, &config(), |_, _| {}).is_err());
}
