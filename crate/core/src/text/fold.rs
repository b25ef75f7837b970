//! Compatibility caseless normal form (NFKC of the case-folded text), from a table that a bundle carries.
//!
//! The table is data of the features: a device folds by that of its bundle, which is the one that training
//! folded by. The tables of the usual library are hashed for speed and don't compress, 50 KB on the wire; this
//! one is sorted and written as differences, 9 KB compressed. A test makes it from that library, the oracle.

use core::fmt;
use std::sync::OnceLock;

use crate::{Error, ErrorKind};

/// The table of this release, as it stands in a bundle. Written by the test `the_table_is_what_the_oracle_says`.
pub static FOLDING: &[u8] = include_bytes!("fold.bin");

/// How characters are folded, composed and ordered. Those that fold to themselves aren't in it.
#[derive(Clone, Default, PartialEq)]
pub struct Folding {
    /// Sorted characters, each with where its folded form begins in `folded`.
    starts: Vec<(u32, u32)>,
    folded: Vec<char>,
    /// `(first, second, composite)`, sorted.
    pairs: Vec<(char, char, char)>,
    /// `(first, end, combining class)`, sorted.
    classes: Vec<(u32, u32, u8)>,
}

impl fmt::Debug for Folding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folding")
            .field("characters", &self.starts.len())
            .finish_non_exhaustive()
    }
}

/// Hangul syllables are composed by arithmetic.
mod hangul {
    pub(super) const S: u32 = 0xAC00;
    pub(super) const L: u32 = 0x1100;
    pub(super) const V: u32 = 0x1161;
    pub(super) const T: u32 = 0x11A7;
    pub(super) const VS: u32 = 21;
    pub(super) const TS: u32 = 28;
    pub(super) const SYLLABLES: u32 = 19 * VS * TS;
}

/// The mark that Greek writes below a vowel.
const IOTA_BELOW: char = '\u{345}';

/// Numbers written in seven bits per byte, the lowest first.
struct Numbers<'a> {
    bytes: core::slice::Iter<'a, u8>,
    /// More was asked for than there is; zeros were given.
    ran_out: bool,
}

impl Numbers<'_> {
    fn next(&mut self) -> u32 {
        let (mut value, mut shift) = (0_u32, 0_u32);
        for byte in &mut self.bytes {
            value |= u32::from(byte & 127).wrapping_shl(shift);
            if *byte < 128 {
                return value;
            }
            shift += 7;
        }
        self.ran_out = true;
        value
    }

    /// `count`, where as many numbers can follow: each takes a byte.
    fn at_most_the_rest(&mut self, count: usize) -> usize {
        if count <= self.bytes.len() {
            return count;
        }
        self.ran_out = true;
        0
    }

    fn count(&mut self) -> usize {
        let count = self.next() as usize;
        self.at_most_the_rest(count)
    }

    /// The number that differs by the next one from `last`.
    fn step(&mut self, last: u32) -> u32 {
        let coded = self.next();
        last.wrapping_add((coded >> 1) ^ (coded & 1).wrapping_neg())
    }
}

fn char_of(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

impl Folding {
    /// That of this release.
    #[must_use]
    pub fn current() -> &'static Folding {
        static CURRENT: OnceLock<Folding> = OnceLock::new();
        // The test that makes the bytes reads them back too.
        CURRENT.get_or_init(|| Folding::parse(FOLDING).unwrap_or_default())
    }

    /// Reads the table of a bundle.
    ///
    /// # Errors
    /// [`ErrorKind::BundleUnreadable`] where the bytes hold more or fewer numbers than they say.
    pub fn parse(bytes: &[u8]) -> Result<Folding, Error> {
        let mut numbers = Numbers {
            bytes: bytes.iter(),
            ran_out: false,
        };
        let folding = Folding::read(&mut numbers);
        if numbers.ran_out || numbers.bytes.len() > 0 {
            return Err(Error::from(ErrorKind::BundleUnreadable {
                file: "text folding".into(),
                reason: "it is longer or shorter than it says".into(),
            }));
        }
        Ok(folding)
    }

    /// The folded, composed form of the characters.
    pub(super) fn fold(&self, text: impl Iterator<Item = char>) -> String {
        let mut chars = Vec::new();
        for c in text {
            self.push(c, &mut chars);
        }
        order(&mut chars);
        // The iota below folds to a letter, and only after it has let other marks of its letter pass.
        chars
            .iter_mut()
            .filter(|(_, c)| *c == IOTA_BELOW)
            .for_each(|c| *c = (0, 'ι'));
        self.compose(&chars)
    }

    /// Column by column, as the columns of one kind compress best.
    fn read(numbers: &mut Numbers<'_>) -> Folding {
        let count = numbers.count();
        let mut code = 0_u32;
        let codes: Vec<u32> = (0..count)
            .map(|_| {
                code = code.wrapping_add(numbers.next());
                code
            })
            .collect();
        let mut lengths: Vec<u32> = (0..count).map(|_| numbers.next()).collect();
        let total = lengths
            .iter()
            .map(|length| *length as usize)
            .fold(0, usize::saturating_add);
        if numbers.at_most_the_rest(total) < total {
            lengths.clear();
        }
        let mut first = 0;
        let firsts: Vec<u32> = lengths
            .iter()
            .map(|length| {
                if *length > 0 {
                    first = numbers.step(first);
                }
                first
            })
            .collect();
        let (mut starts, mut folded) = (Vec::with_capacity(count), Vec::new());
        for ((code, length), first) in codes.into_iter().zip(lengths).zip(firsts) {
            starts.push((code, folded.len() as u32));
            if length > 0 {
                folded.push(char_of(first));
            }
            folded.extend((1..length).map(|_| char_of(numbers.next())));
        }
        let count = numbers.count();
        let mut column = || -> Vec<u32> {
            let mut value = 0;
            let next = |_| {
                value = numbers.step(value);
                value
            };
            (0..count).map(next).collect()
        };
        let (composites, firsts, seconds) = (column(), column(), column());
        let pairs = firsts.into_iter().zip(seconds).zip(composites);
        let pairs = pairs.map(|((a, b), c)| (char_of(a), char_of(b), char_of(c))).collect();
        let mut end = 0_u32;
        let classes = (0..numbers.count()).map(|_| {
            let start = end.wrapping_add(numbers.next());
            end = start.wrapping_add(numbers.next());
            (start, end, numbers.next() as u8)
        });
        let classes = classes.collect();
        Folding {
            starts,
            folded,
            pairs,
            classes,
        }
    }

    /// Appends the folded and decomposed form of one character, each with its combining class.
    fn push(&self, c: char, out: &mut Vec<(u8, char)>) {
        let code = c as u32;
        if c.is_ascii() {
            out.push((0, c.to_ascii_lowercase()));
        } else if let Some(at) = code.checked_sub(hangul::S).filter(|at| *at < hangul::SYLLABLES) {
            out.push((0, char_of(hangul::L + at / (hangul::VS * hangul::TS))));
            out.push((0, char_of(hangul::V + at / hangul::TS % hangul::VS)));
            if at % hangul::TS > 0 {
                out.push((0, char_of(hangul::T + at % hangul::TS)));
            }
        } else if let Ok(at) = self.starts.binary_search_by_key(&code, |(code, _)| *code) {
            let from = self.starts[at].1 as usize;
            let to = self
                .starts
                .get(at + 1)
                .map_or(self.folded.len(), |(_, start)| *start as usize);
            out.extend(self.folded[from..to].iter().map(|c| (self.class(*c), *c)));
        } else {
            out.push((self.class(c), c));
        }
    }

    /// Canonical combining class.
    fn class(&self, c: char) -> u8 {
        let code = c as u32;
        let after = self.classes.partition_point(|(start, ..)| *start <= code);
        match self.classes.get(after.wrapping_sub(1)) {
            Some((_, end, class)) if code < *end => *class,
            _ => 0,
        }
    }

    /// The one character that stands for two.
    fn pair(&self, a: char, b: char) -> Option<char> {
        let (first, second) = (a as u32, b as u32);
        let leading = first.wrapping_sub(hangul::L);
        let vowel = second.wrapping_sub(hangul::V);
        if leading < 19 && vowel < hangul::VS {
            return Some(char_of(hangul::S + (leading * hangul::VS + vowel) * hangul::TS));
        }
        let (syllable, trailing) = (first.wrapping_sub(hangul::S), second.wrapping_sub(hangul::T));
        if syllable < hangul::SYLLABLES && syllable.is_multiple_of(hangul::TS) && (1..hangul::TS).contains(&trailing) {
            return Some(char_of(first + trailing));
        }
        let at = self.pairs.binary_search_by_key(&(a, b), |(a, b, _)| (*a, *b)).ok()?;
        Some(self.pairs[at].2)
    }

    /// Unicode's canonical composition: a mark joins the last starter unless one of its class stands between.
    fn compose(&self, chars: &[(u8, char)]) -> String {
        let mut out: Vec<char> = Vec::with_capacity(chars.len());
        let mut starter: Option<usize> = None;
        let mut last_class = 0;
        for (class, c) in chars.iter().copied() {
            let blocked = starter.is_some_and(|at| at + 1 < out.len() && last_class >= class);
            if let Some(at) = starter.filter(|_| !blocked)
                && let Some(composite) = self.pair(out[at], c)
            {
                out[at] = composite;
                continue;
            }
            if class == 0 {
                starter = Some(out.len());
            }
            last_class = class;
            out.push(c);
        }
        out.into_iter().collect()
    }
}

/// Unicode's canonical order: marks between two starters by class, ties as they stood.
fn order(chars: &mut [(u8, char)]) {
    for at in 1..chars.len() {
        let mut to = at;
        while to > 0 && chars[to].0 > 0 && chars[to - 1].0 > chars[to].0 {
            chars.swap(to, to - 1);
            to -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
