//! The built-in text encoder: hashed character n-grams of normalised text, safe for any script.

mod fold;
mod student;

pub use fold::{FOLDING, Folding};
pub use student::{LevelRows, Student, grams};

use crate::feature::spec::TextSpec;
use crate::hash::{bucket, hash64};

/// Most characters of a text that count; the rest is ignored, so that a text cannot take the device's time.
pub const MAX_TEXT_CHARS: usize = 4096;

impl Folding {
    /// Compatibility-equivalent and case variants become one string: NFKC, case-folded, without
    /// invisible characters, white space collapsed to one space and trimmed. The dotless ı joins i,
    /// other than in Unicode's folding; that suits search (ISPARTA and Isparta meet).
    ///
    /// ```
    /// use upnext_core::text::Folding;
    /// let folding = Folding::current();
    /// assert_eq!(folding.normalise("  Ｆｉｎ\u{AD}ale\u{3000}ΟΔΟΣ "), "finale οδοσ");
    /// assert_eq!(folding.normalise("STRASSE"), folding.normalise("Straße"));
    /// ```
    #[must_use]
    pub fn normalise(&self, text: &str) -> String {
        let folded = self.fold(text.chars().take(MAX_TEXT_CHARS).filter(|c| !invisible(*c)));
        let mut out = String::with_capacity(folded.len());
        for c in folded.chars() {
            if !(c.is_whitespace() || c.is_control()) {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        }
        if out.ends_with(' ') {
            out.pop();
        }
        out
    }
}

/// Soft hyphen, zero-width and direction marks, variation selectors, byte order mark.
const fn invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Ends a word. Not "anything but letters": Indic vowel signs and viramas, Thai tone marks and
/// emoji belong to their word.
fn separates(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{205E}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3020}' | '\u{3030}' | '\u{60C}' | '\u{61B}' | '\u{61F}'
            | '\u{6D4}' | '\u{964}' | '\u{965}')
}

/// Writes the vector of the text, folded by `folding`, to `out`, which holds `spec.dim` values: signed feature hashing of
/// the `min_n..=max_n`-grams of every word between boundary marks, and of each longer word as a
/// whole; L2-normalised. Text without a word gives zeros.
///
/// ```
/// use upnext_core::feature::spec::TextSpec;
/// use upnext_core::text::{Folding, encode_text};
/// let folding = Folding::current();
/// let spec = TextSpec { dim: 32, min_n: 2, max_n: 4 };
/// let (mut a, mut b) = ([0.0; 32], [0.0; 32]);
/// encode_text(&spec, 7, folding, "Ночной ПОЕЗД", &mut a);
/// encode_text(&spec, 7, folding, "ночной поезд!", &mut b);
/// assert_eq!(a, b);
/// ```
pub fn encode_text(spec: &TextSpec, seed: u64, folding: &Folding, text: &str, out: &mut [f32]) {
    out.fill(0.0);
    let normal = folding.normalise(text);
    // `<` and `>` separate words, so they can't stand inside one.
    let mut marked = String::new();
    let mut starts: Vec<usize> = Vec::new();
    for word in normal.split(separates).filter(|word| !word.is_empty()) {
        marked.clear();
        marked.push('<');
        marked.push_str(word);
        marked.push('>');
        starts.clear();
        starts.extend(marked.char_indices().map(|(at, _)| at));
        starts.push(marked.len());
        word_grams(spec, seed, &marked, &starts, out);
    }
    normalise_l2(out);
}

/// Adds the n-grams of one marked word; `starts` are its character boundaries, the end included.
fn word_grams(spec: &TextSpec, seed: u64, marked: &str, starts: &[usize], out: &mut [f32]) {
    let chars = starts.len() - 1;
    let mut add = |gram: &str| {
        let hash = hash64(seed, gram.as_bytes());
        if let Some(slot) = out.get_mut(bucket(hash, spec.dim) as usize) {
            *slot += if hash & 1 == 0 { 1.0 } else { -1.0 };
        }
    };
    let (shortest, longest) = (spec.min_n.max(1) as usize, spec.max_n as usize);
    for n in shortest..=longest.min(chars) {
        for ends in starts.windows(n + 1) {
            add(&marked[ends[0]..ends[n]]);
        }
    }
    if chars > longest || chars < shortest {
        add(marked);
    }
}

/// Scales to length 1; a zero vector stays zero.
pub(crate) fn normalise_l2(vector: &mut [f32]) {
    let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    if norm > 0.0 && norm.is_finite() {
        vector.iter_mut().for_each(|v| *v /= norm);
    }
}

#[cfg(test)]
mod tests;
