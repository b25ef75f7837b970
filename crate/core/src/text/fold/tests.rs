#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{canonical_combining_class, compose};

use super::*;
use crate::Code;

/// By the standard library's case mappings and the usual library's normal forms; twice, as Unicode's
/// compatibility caseless match asks: folding can denormalise and normalising can bring up a capital (℡ → TEL).
fn oracle(text: &str) -> String {
    let folded = |c: char| c.to_uppercase().flat_map(char::to_lowercase);
    let once: String = text.nfd().flat_map(folded).nfkc().collect();
    once.chars().flat_map(folded).nfkc().collect()
}

fn every_char() -> impl Iterator<Item = char> {
    ('\0'..=char::MAX).filter(|c| !c.is_ascii() && !('\u{AC00}'..='\u{D7A3}').contains(c))
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut value: u32) {
        while value > 127 {
            self.0.push((value & 127) as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn steps(&mut self, column: impl Iterator<Item = char>) {
        let mut last = 0_i64;
        for c in column {
            let step = i64::from(c as u32) - last;
            last = i64::from(c as u32);
            self.number(if step < 0 { -2 * step - 1 } else { 2 * step } as u32);
        }
    }
}

/// The table's bytes.
fn written() -> Vec<u8> {
    let mut out = Writer::default();
    let decomposed = |c: char| -> Vec<char> {
        let without: String = c.nfkd().filter(|part| *part != IOTA_BELOW).collect();
        let iota = c.nfkd().filter(|part| *part == IOTA_BELOW);
        oracle(&without).nfkd().chain(iota).collect()
    };
    let entries: Vec<(char, Vec<char>)> = every_char()
        .map(|c| (c, decomposed(c)))
        .filter(|(c, folded)| *folded != [*c])
        .collect();
    out.number(entries.len() as u32);
    let mut last = 0;
    for (c, _) in &entries {
        out.number(*c as u32 - last);
        last = *c as u32;
    }
    entries.iter().for_each(|(_, folded)| out.number(folded.len() as u32));
    out.steps(entries.iter().filter_map(|(_, folded)| folded.first().copied()));
    for c in entries.iter().flat_map(|(_, folded)| folded.iter().skip(1)) {
        out.number(*c as u32);
    }

    // Only what folded text can hold is ever composed.
    let mut pairs: Vec<(char, char, char)> = every_char()
        .filter(|c| oracle(&c.to_string()) == c.to_string())
        .filter_map(|c| {
            let parts: Vec<char> = c.nfd().collect();
            let (last, rest) = parts.split_last().filter(|(_, rest)| !rest.is_empty())?;
            let mut first = rest.iter().copied().nfc();
            let pair = (first.next()?, *last, c);
            (first.next().is_none() && compose(pair.0, pair.1) == Some(c)).then_some(pair)
        })
        .collect();
    pairs.sort_unstable();
    out.number(pairs.len() as u32);
    out.steps(pairs.iter().map(|(_, _, c)| *c));
    out.steps(pairs.iter().map(|(a, _, _)| *a));
    out.steps(pairs.iter().map(|(_, b, _)| *b));

    let mut classes: Vec<(u32, u32, u8)> = Vec::new();
    for c in every_char() {
        let (code, class) = (c as u32, canonical_combining_class(c));
        match classes.last_mut() {
            _ if class == 0 => {}
            Some((_, end, last)) if *end == code && *last == class => *end += 1,
            _ => classes.push((code, code + 1, class)),
        }
    }
    out.number(classes.len() as u32);
    let mut end = 0;
    for (start, next_end, class) in classes {
        out.number(start - end);
        out.number(next_end - start);
        out.number(u32::from(class));
        end = next_end;
    }
    out.0
}

/// `UPNEXT_UPDATE_GOLDEN=1` writes it, for a new version of Unicode; folded texts change their vectors
/// then, so that such a change asks for a new `SPEC_VERSION`.
#[test]
fn the_table_is_what_the_oracle_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/text/fold.bin");
    if std::env::var_os("UPNEXT_UPDATE_GOLDEN").is_some() {
        std::fs::write(path, written()).unwrap();
    } else {
        assert!(
            written() == FOLDING,
            "fold.bin is not what this version of Unicode gives"
        );
    }
    assert!(Folding::parse(FOLDING).is_ok());
}

fn fold(text: impl Iterator<Item = char>) -> String {
    Folding::current().fold(text)
}

#[test]
fn a_table_that_is_cut_or_lengthened_is_refused() {
    let code = |bytes: &[u8]| Folding::parse(bytes).unwrap_err().code();
    for length in (0..FOLDING.len()).step_by(97).chain([FOLDING.len() - 1]) {
        assert_eq!(code(&FOLDING[..length]), Code::BundleUnreadable, "{length}");
    }
    assert_eq!(code(&[FOLDING, &[0]].concat()), Code::BundleUnreadable);
}

#[test]
fn every_character_folds_as_the_oracle_says() {
    for c in '\0'..=char::MAX {
        assert_eq!(fold([c].into_iter()), oracle(&c.to_string()), "{c:?} {:x}", c as u32);
    }
}

/// Letters, marks of many classes, jamo, compatibility characters.
fn tricky() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        prop::char::range('a', 'z'),
        prop::char::range('\u{C0}', '\u{17F}'),
        prop::char::range('\u{300}', '\u{36F}'),
        prop::char::range('\u{370}', '\u{3FF}'),
        prop::char::range('\u{5B0}', '\u{5EA}'),
        prop::char::range('\u{900}', '\u{9FF}'),
        prop::char::range('\u{1100}', '\u{11FF}'),
        prop::char::range('\u{1E00}', '\u{1FFF}'),
        prop::char::range('\u{3040}', '\u{30FF}'),
        prop::char::range('\u{AC00}', '\u{AD00}'),
        prop::char::range('\u{FB00}', '\u{FFEF}'),
        any::<char>(),
    ];
    prop::collection::vec(char, 0..12).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn a_table_of_any_bytes_folds_or_is_refused(
        bytes in prop::collection::vec(prop_oneof![0_u8..8, any::<u8>()], 0..80), text in tricky(),
    ) {
        if let Ok(folding) = Folding::parse(&bytes) {
            let _ = folding.normalise(&text);
        }
    }

    #[test]
    fn every_text_folds_as_the_oracle_says(text in tricky()) {
        prop_assert_eq!(fold(text.chars()), oracle(&text));
    }

    #[test]
    fn folding_twice_is_folding_once(text in tricky()) {
        let once = fold(text.chars());
        prop_assert_eq!(fold(once.chars()), once);
    }
}
