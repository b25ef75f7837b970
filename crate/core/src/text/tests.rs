#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

const SPEC: TextSpec = TextSpec {
    dim: 64,
    min_n: 2,
    max_n: 4,
};

fn vector(text: &str) -> Vec<f32> {
    let mut out = vec![f32::NAN; SPEC.dim as usize];
    encode_text(&SPEC, 11, Folding::current(), text, &mut out);
    out
}

fn normalise(text: &str) -> String {
    Folding::current().normalise(text)
}

/// The same by definition: owned n-grams of characters, summed, divided by the length.
fn naive(text: &str) -> Vec<f32> {
    let mut sums = vec![0.0_f64; SPEC.dim as usize];
    for word in normalise(text).split(separates).filter(|w| !w.is_empty()) {
        let chars: Vec<char> = format!("<{word}>").chars().collect();
        let mut grams: Vec<String> = Vec::new();
        for n in SPEC.min_n as usize..=SPEC.max_n as usize {
            grams.extend(chars.windows(n).map(|gram| gram.iter().collect::<String>()));
        }
        if chars.len() > SPEC.max_n as usize {
            grams.push(chars.iter().collect());
        }
        for gram in grams {
            let hash = hash64(11, gram.as_bytes());
            sums[bucket(hash, SPEC.dim) as usize] += if hash.is_multiple_of(2) { 1.0 } else { -1.0 };
        }
    }
    let norm = sums.iter().map(|v| v * v).sum::<f64>().sqrt();
    sums.iter()
        .map(|v| if norm > 0.0 { (v / norm) as f32 } else { 0.0 })
        .collect()
}

/// Words in many scripts, with marks, ligatures, full-width forms and emoji.
const SCRIPTS: [&str; 22] = [
    "Straße ẞ ŒUVRE ﬁn",
    "İSTANBUL ısparta",
    "ΟΔΥΣΣΕΎΣ όνομα ΐ",
    "Ночной ПОЕЗД ё Й",
    "ქართული ᲥᲐᲠᲗᲣᲚᲘ",
    "Հայերէն և",
    "हिन्दी क्षेत्र",
    "বাংলা গান",
    "தமிழ் நாடு",
    "ภาษาไทย ก็",
    "日本語 がガ ｶﾞ",
    "한국어 한국",
    "中文視頻 ㍻",
    "العربيّة لآ",
    "עִבְרִית",
    "ᏣᎳᎩ ꮳꮃꭹ",
    "tiếng Việt Ử",
    "😀👍🏽 👨‍👩‍👧",
    "ＡＢＣ１２３",
    "Ǆ ǅ ǆ ŉ",
    "℡ ™ ½ ②",
    "a\u{345}Α\u{345}ᾳ",
];

#[test]
fn case_variants_in_every_script_give_the_same_vector() {
    for text in SCRIPTS {
        assert_eq!(normalise(&text.to_uppercase()), normalise(text), "{text}");
        assert_eq!(normalise(&text.to_lowercase()), normalise(text), "{text}");
        assert_eq!(vector(&text.to_uppercase()), vector(text), "{text}");
    }
}

#[test]
fn compatibility_variants_in_every_script_give_the_same_vector() {
    for text in SCRIPTS {
        let forms: [String; 4] = [
            text.nfc().collect(),
            text.nfd().collect(),
            text.nfkc().collect(),
            text.nfkd().collect(),
        ];
        for form in forms {
            assert_eq!(vector(&form), vector(text), "{text}");
        }
    }
}

#[test]
fn every_script_has_a_vector_of_length_one() {
    for text in SCRIPTS {
        let norm: f32 = vector(text).iter().map(|v| v * v).sum();
        assert!((norm - 1.0).abs() < 1e-5, "{text}: {norm}");
    }
}

#[test]
fn a_character_and_its_case_and_compatibility_variants_meet() {
    let variants = |c: char| {
        [
            c.to_uppercase().collect::<String>(),
            c.to_lowercase().collect(),
            c.nfkc().collect(),
        ]
    };
    let affected = ('\0'..=char::MAX).filter(|c| variants(*c).iter().any(|v| !v.chars().eq([*c])));
    let mut count = 0;
    for c in affected {
        count += 1;
        let normal = normalise(&c.to_string());
        assert_eq!(normalise(&normal), normal, "U+{:04X} is not stable", u32::from(c));
        for variant in variants(c) {
            assert_eq!(normalise(&variant), normal, "U+{:04X} and {variant:?}", u32::from(c));
        }
    }
    assert!(count > 5000, "{count}");
}

#[test]
fn text_without_a_word_is_zeros() {
    for text in ["", " ", "!?… —", "\u{200B}\u{FEFF}", "\0\n\t"] {
        assert!(vector(text).iter().all(|v| *v == 0.0), "{text:?}");
    }
}

#[test]
fn punctuation_and_white_space_between_words_do_not_matter() {
    assert_eq!(vector("Sunday: night, live!"), vector("sunday\u{a0}night\n(live)"));
    assert_eq!(vector("日本、中国。"), vector("日本 中国"));
    assert_eq!(vector("हिन्दी।"), vector("हिन्दी"));
}

#[test]
fn a_shared_stem_is_closer_than_none() {
    let cosine = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
    assert!(cosine("cooking pasta", "cook pasta") > cosine("cooking pasta", "football final") + 0.2);
    assert!(cosine("ночной поезд", "поезда ночью") > cosine("ночной поезд", "синее море") + 0.2);
}

#[test]
fn a_very_long_text_is_cut() {
    let long = "ab ".repeat(MAX_TEXT_CHARS);
    assert_eq!(normalise(&long).chars().count(), MAX_TEXT_CHARS);
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{0,24}") {
        let once = normalise(&text);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn normal_text_has_single_inner_spaces(text in "[a-zA-Z \\t\\n\u{3000}é]{0,24}") {
        let normal = normalise(&text);
        prop_assert_eq!(normal.split_whitespace().collect::<Vec<_>>().join(" "), normal);
    }

    #[test]
    fn equals_the_naive_encoder(text in "\\PC{0,24}|[a-c ]{0,24}") {
        for (fast, slow) in vector(&text).iter().zip(naive(&text)) {
            prop_assert!((fast - slow).abs() < 1e-5);
        }
    }

    #[test]
    fn the_order_of_words_does_not_matter(words in prop::collection::vec("[a-zа-я猫犬]{1,8}", 1..6)) {
        let forward = words.join(" ");
        let backward = words.iter().rev().map(String::as_str).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(vector(&forward), vector(&backward));
    }
}
