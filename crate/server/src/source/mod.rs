//! Where candidates come from. Each source is one file; [`blend`] puts them into one list.
//!
//! | source | whom it serves | what it offers |
//! |---|---|---|
//! | [`cf`] | accounts with a factor | the largest inner products with the account's factor |
//! | [`neighbours`] | accounts with relevant videos | what those found relevant who found these relevant |
//! | [`near`] | accounts with relevant videos | item vectors near the latest of them |
//! | [`fresh`] | everybody | the last two weeks' uploads that few were shown yet |
//! | [`popular`] | everybody | what most found relevant of late, by language |
//! | [`content`] | everybody | the bundle's shelves: fills what is left |

mod blend;
pub mod cf;
pub mod content;
pub mod fresh;
pub mod near;
pub mod neighbours;
pub mod popular;

use crate::edition::Visible;
use crate::stock::Stock;

pub use blend::{Part, blend};

/// A video that a source proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Row of the stock.
    pub row: u32,
    /// Bits of [`upnext_core::block::source`].
    pub sources: u32,
    /// What the source orders by; comparable inside one source only.
    pub score: f32,
}

/// What a source is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The videos.
    pub stock: &'a Stock<'a>,
    /// Rows that may be offered.
    pub allowed: &'a Visible,
    /// BCP 47 tags that were declared.
    pub languages: &'a [String],
    /// Most candidates.
    pub size: usize,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl Ask<'_> {
    /// Whether the video of a row is in one of the declared languages, or either is not known.
    fn speaks(&self) -> impl Fn(usize) -> bool {
        let declared: Vec<String> = (self.languages.iter())
            .filter_map(|tag| upnext_core::feature::language_term(tag))
            .collect();
        let stock = self.stock;
        move |row| {
            let of_row = || stock.language(row).and_then(upnext_core::feature::language_term);
            declared.is_empty() || of_row().is_none_or(|term| declared.contains(&term))
        }
    }
}

/// Rows as candidates of one source, with scores that fall from 1 towards 0 with the place.
fn by_place(rows: &[u32], source: u32) -> Vec<Candidate> {
    let count = rows.len() as f32;
    rows.iter()
        .enumerate()
        .map(|(place, row)| Candidate {
            row: *row,
            sources: source,
            score: 1.0 - place as f32 / count,
        })
        .collect()
}
