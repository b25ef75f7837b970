//! The server's half of a bundle: candidates for a user, blocks of them. The server's rules, on the server's tables.

use std::collections::BTreeMap;

use upnext_core::block::{BLOCK_VERSION, Block, BlockMessage, source};
use upnext_core::bundle::{Role, Window};
use upnext_core::signal::Candidate;
use upnext_core::{ErrorKind, QuantRow};

use crate::Error;
use crate::bundle::{ANY_LANGUAGE, Bundle, VideoFigures};
use crate::prune::{CANDIDATES, nearest};
use crate::split::Split;
use crate::table::Dataset;
use crate::towers::QuantRows;

/// Tables of the server half, rows aligned with the data set.
pub(crate) struct Catalogue<'a> {
    pub(crate) data: &'a Dataset,
    bundle_id: String,
    pub(crate) vectors: QuantRows,
    pub(crate) factors: QuantRows,
    users: Vec<f32>,
    pub(crate) figures: VideoFigures,
    shelves: BTreeMap<String, Vec<u32>>,
    /// All videos, the most relevant impressions of late first, ties by row.
    popular: Vec<u32>,
}

impl<'a> Catalogue<'a> {
    pub(crate) fn read(data: &'a Dataset, bundle: &Bundle, split: &Split) -> Result<Catalogue<'a>, Error> {
        let (tensors, figures) = (bundle.item_tensors()?, bundle.video_figures()?);
        let manifest = &bundle.manifest;
        check_origin(data, &figures, manifest.train_window, split)?;
        let rows = |dim: u32, values, levels, scales| QuantRows {
            dim: dim as usize,
            values,
            levels,
            scales,
        };
        let shelves = serde_json::from_slice(&bundle.read(Role::Shelves)?).map_err(|error| {
            Error::Core(
                ErrorKind::BundleUnreadable {
                    file: "shelves".to_owned(),
                    reason: error.to_string(),
                }
                .into(),
            )
        })?;
        let mut popular: Vec<u32> = (0..data.videos.len() as u32).collect();
        popular.sort_by(|a, b| figures.log_popularity[*b as usize].total_cmp(&figures.log_popularity[*a as usize]));
        Ok(Catalogue {
            data,
            bundle_id: bundle.id.clone(),
            vectors: rows(
                manifest.vector_dim,
                tensors.vectors_f32,
                tensors.vectors,
                tensors.vector_scales,
            ),
            factors: rows(
                manifest.factor_dim,
                tensors.factors_f32,
                tensors.factors,
                tensors.factor_scales,
            ),
            users: bundle.user_factors()?,
            figures,
            shelves,
            popular,
        })
    }

    /// The factor that the server has of an account; `None` where it learnt nothing.
    pub(crate) fn account(&self, user: u32) -> Option<&[f32]> {
        let start = user as usize * self.factors.dim;
        let factor = self.users.get(start..start + self.factors.dim)?;
        factor.iter().any(|v| *v != 0.0).then_some(factor)
    }

    /// The most popular rows.
    pub(crate) fn popular(&self) -> &[u32] {
        &self.popular[..self.popular.len().min(CANDIDATES)]
    }

    /// The content shelf of a language, then the one for all.
    pub(crate) fn shelf(&self, language: Option<&str>) -> Vec<u32> {
        let primary = language.map(|tag| tag.split(['-', '_']).next().unwrap_or_default().to_lowercase());
        let own = primary
            .and_then(|language| self.shelves.get(&language))
            .map_or(&[][..], Vec::as_slice);
        let any = self.shelves.get(ANY_LANGUAGE).map_or(&[][..], Vec::as_slice);
        self.distinct(own.iter().chain(any).copied())
    }

    /// What the server would send: for an account what its factor finds, then the content shelf as far as there is
    /// room; for a newcomer the shelf.
    pub(crate) fn candidates(&self, user: u32) -> Vec<u32> {
        let shelf = self.shelf(self.data.users.language.get(user as usize));
        match self.account(user) {
            Some(factor) => {
                let near = nearest(&self.factors, factor);
                self.distinct(near.into_iter().chain(shelf))
            }
            None => shelf,
        }
    }

    fn distinct(&self, rows: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut taken = vec![false; self.vectors.len()];
        rows.filter(|row| {
            taken
                .get_mut(*row as usize)
                .is_some_and(|t| !std::mem::replace(t, true))
        })
        .take(CANDIDATES)
        .collect()
    }

    /// A video as a block brings it to the ranker.
    pub(crate) fn candidate(&self, video: u32) -> Candidate<'_> {
        let row = video as usize;
        let nothing = QuantRow {
            scale: 0.0,
            values: &[],
        };
        Candidate {
            vector: self.vectors.row(video).unwrap_or(nothing),
            factor: self.factors.row(video),
            prior: self.figures.prior[row],
            effect: self.figures.effect[row],
            trend: self.figures.log_popularity[row],
            length_seconds: self.data.length_of(video),
            published_at_ms: self.data.videos.published_at_ms[row],
        }
    }

    /// The block of these rows, through bytes and verification, as it reaches a device. It never expires.
    pub(crate) fn block(&self, rows: &[u32]) -> Result<Block, Error> {
        let videos = &self.data.videos;
        let at = || rows.iter().map(|row| *row as usize);
        let levels = |table: &QuantRows| -> Vec<u8> {
            rows.iter()
                .filter_map(|row| table.row(*row))
                .flat_map(|row| row.values)
                .map(|level| level.cast_unsigned())
                .collect()
        };
        let mut dictionary: Vec<String> = Vec::new();
        let mut places: BTreeMap<&'a str, u32> = BTreeMap::new();
        let mut refer = |term: Option<&'a str>| -> u32 {
            term.map_or(0, |term| {
                *places.entry(term).or_insert_with(|| {
                    dictionary.push(term.to_owned());
                    dictionary.len() as u32
                })
            })
        };
        let data: &'a Dataset = self.data;
        let languages = at().map(|row| refer(data.videos.language.get(row))).collect();
        let ratings = at().map(|row| refer(data.videos.rating.get(row))).collect();
        let channels = at().map(|row| refer(data.videos.channel.get(row))).collect();
        let tag_counts = at().map(|row| videos.tags.codes(row).len() as u32).collect();
        let tags = at()
            .flat_map(|row| data.videos.tags.get(row))
            .map(|tag| refer(Some(tag)))
            .collect();
        let message = BlockMessage {
            version: BLOCK_VERSION,
            bundle_id: self.bundle_id.clone(),
            expires_at_ms: i64::MAX,
            ids: rows.iter().map(|row| videos.ids.name(*row).to_owned()).collect(),
            vector_dim: self.vectors.dim as u32,
            vectors: levels(&self.vectors),
            vector_scales: at().map(|row| self.vectors.scales[row]).collect(),
            factor_dim: self.factors.dim as u32,
            factors: levels(&self.factors),
            factor_scales: at().map(|row| self.factors.scales[row]).collect(),
            sources: vec![source::CF; rows.len()],
            server_scores: vec![0.0; rows.len()],
            priors: at().map(|row| self.figures.prior[row]).collect(),
            log_popularity: at().map(|row| self.figures.log_popularity[row]).collect(),
            length_seconds: at().map(|row| videos.length_seconds[row].unwrap_or(-1.0)).collect(),
            published_at_ms: at()
                .map(|row| videos.published_at_ms[row].unwrap_or(i64::MIN))
                .collect(),
            languages,
            ratings,
            channels,
            tag_counts,
            tags,
            dictionary,
            titles: Vec::new(),
            thumbnails: Vec::new(),
            effects: at().map(|row| self.figures.effect[row]).collect(),
            removed: Vec::new(),
            ..BlockMessage::default()
        };
        let dims = upnext_core::block::Dims {
            vector: self.vectors.dim,
            factor: self.factors.dim,
        };
        Ok(Block::from_message(message, &self.bundle_id, dims)?)
    }
}

/// A bundle can only be judged on what it was not trained on.
fn check_origin(data: &Dataset, figures: &VideoFigures, trained: Window, split: &Split) -> Result<(), Error> {
    let wrong = |reason: String| {
        Err(Error::ConfigInvalid {
            option: "--bundle".to_owned(),
            reason,
        })
    };
    if !figures.ids.iter().map(String::as_str).eq(data.videos.ids.iter()) {
        return wrong("its videos are not those of --data; evaluate a bundle on the data it was trained on".to_owned());
    }
    if trained.until_ms > split.train_until_ms {
        return wrong(format!(
            "it was trained until {}, the test window begins at {}",
            crate::table::utc(trained.until_ms),
            crate::table::utc(split.train_until_ms)
        ));
    }
    Ok(())
}
