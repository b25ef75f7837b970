//! The catalogue as the item tower reads it: as of an instant.

use rayon::prelude::*;
use upnext_core::EventKind;
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::feature::{ItemEncoder, VideoFeatures};
use upnext_core::text::{Folding, encode_text};

use crate::table::{Dataset, NONE};
use crate::text::Titles;
use crate::towers::ItemInputs;

/// What the log itself counted for each video before an instant. A kind of event that the log does
/// not have is unknown. The table's own counts are of its snapshot, which lies after the test
/// window as a rule: nothing here reads them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Likes.
    pub likes: Option<Vec<f32>>,
    /// Comments.
    pub comments: Option<Vec<f32>>,
    /// Watches.
    pub views: Option<Vec<f32>>,
}

impl Counts {
    /// Counts the events before an instant.
    #[must_use]
    pub fn before(data: &Dataset, until_ms: i64) -> Counts {
        let table = &data.interactions;
        let rows = table.before(until_ms);
        let count = |kind: EventKind| {
            let mut counts = vec![0.0_f32; data.videos.len()];
            let mut any = false;
            for row in (0..rows).filter(|row| table.kind[*row] == kind && table.video[*row] != NONE) {
                counts[table.video[row] as usize] += 1.0;
                any = true;
            }
            any.then_some(counts)
        };
        Counts {
            likes: count(EventKind::Like),
            comments: count(EventKind::Comment),
            views: count(EventKind::Watch),
        }
    }
}

/// Mean text vector of each video's comments before an instant; `None` for a video without any.
fn comments(data: &Dataset, spec: &FeatureSpec, titles: Option<&Titles>, until_ms: i64) -> Vec<Option<Vec<f32>>> {
    let table = &data.interactions;
    let mut sums: Vec<Option<(Vec<f32>, f32)>> = vec![None; data.videos.len()];
    let dim = spec.text.dim as usize;
    let mut vector = vec![0.0; dim];
    for row in 0..table.before(until_ms) {
        let (EventKind::Comment, Some(text)) = (table.kind[row], table.text.get(row)) else {
            continue;
        };
        let Some(slot) = sums.get_mut(table.video[row] as usize) else {
            continue;
        };
        let (sum, count) = slot.get_or_insert_with(|| (vec![0.0; dim], 0.0));
        vector.fill(0.0);
        match titles.map(|titles| titles.vector(text)) {
            None => encode_text(&spec.text, spec.seed, Folding::current(), text, &mut vector),
            Some(known) => vector
                .iter_mut()
                .zip(known.unwrap_or_default())
                .for_each(|(v, k)| *v = *k),
        }
        sum.iter_mut().zip(&vector).for_each(|(s, v)| *s += v);
        *count += 1.0;
    }
    let mean = |(sum, count): (Vec<f32>, f32)| sum.into_iter().map(|s| s / count).collect();
    sums.into_iter().map(|slot| slot.map(mean)).collect()
}

/// Whose ids the item tower is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// Every video's: while the tower learns.
    All,
    /// Those of videos that had an event before the instant. The rows that the id of another one hashes to are what others
    /// taught, or what it was taught itself as a random negative: it goes by its content alone.
    Met,
}

/// Encodes every video as of an instant, on all cores; titles and comments by `titles`, or else by the built-in encoder.
#[must_use]
pub fn encode(data: &Dataset, spec: &FeatureSpec, titles: Option<&Titles>, until_ms: i64, ids: Ids) -> ItemInputs {
    let mut told = vec![ids == Ids::All; data.videos.len()];
    for video in &data.interactions.video[..data.interactions.before(until_ms)] {
        if let Some(told) = told.get_mut(*video as usize) {
            *told = true;
        }
    }
    let (videos, counts) = (&data.videos, Counts::before(data, until_ms));
    let comments = comments(data, spec, titles, until_ms);
    let encoder = ItemEncoder::new(spec, Folding::current());
    let of = |column: &Option<Vec<f32>>, row: usize| column.as_ref().and_then(|c| c.get(row).copied());
    let rows: Vec<_> = (0..videos.len())
        .into_par_iter()
        .map(|row| {
            let tags: Vec<&str> = videos.tags.get(row).collect();
            encoder.encode(&VideoFeatures {
                id: if told[row] { videos.ids.name(row as u32) } else { "" },
                title: videos.title[row].as_deref(),
                title_vector: titles
                    .zip(videos.title[row].as_deref())
                    .and_then(|(t, title)| t.vector(title)),
                tags: &tags,
                comments: comments[row].as_deref(),
                length_seconds: videos.length_seconds[row],
                language: videos.language.get(row),
                rating: videos.rating.get(row),
                channel: videos.channel.get(row),
                likes: of(&counts.likes, row),
                comments_count: of(&counts.comments, row),
                views: of(&counts.views, row),
            })
        })
        .collect();
    ItemInputs::new(&rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::analyse::{AnalyseConfig, analyse};
    use crate::evaluate::fixture::world;
    use crate::factors::FactorConfig;
    use crate::label::encounters;
    use crate::split::Split;

    #[test]
    fn a_video_without_an_event_is_told_by_its_content_alone() {
        let data = world(5);
        let split = Split::of(&data).unwrap();
        let config = AnalyseConfig {
            vector_dim: 16,
            factor_dim: 8,
            fold_in: FactorConfig::default().fold_in(),
            seed: 1,
        };
        let spec = analyse(&data, &split, &encounters(&data, &split), &config).unwrap();
        let until = split.train_until_ms;
        let [all, met] = [Ids::All, Ids::Met].map(|ids| encode(&data, &spec, None, until, ids));
        let table = &data.interactions;
        let mut unmet = 0;
        for row in 0..all.count {
            let has_event = table.video[..table.before(until)].contains(&(row as u32));
            unmet += usize::from(!has_event);
            let (told, rest) = met.categorical(row).split_at(2);
            assert_eq!(told == &all.categorical(row)[..2], has_event);
            assert_eq!(told == [0, 0], !has_event);
            assert_eq!(rest, &all.categorical(row)[2..]);
        }
        assert!(unmet > 3, "{unmet} without an event");
        assert_eq!((met.tags, met.dense), (all.tags, all.dense));
    }
}
