//! Moments of the log as a device would have lived them: what a user had done before, with what the
//! models know of each video. Training and evaluation read the past through here only.

use rayon::prelude::*;
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::feature::{EncodedUser, PastEvent, UserEncoder};
use upnext_core::fold_in::Gram;
use upnext_core::text::{Folding, encode_text};
use upnext_core::{Context, EventKind, fraction_watched};

use crate::Error;
use crate::label::Encounter;
use crate::table::{Dataset, Grouped, NONE};
use crate::towers::QuantRows;

/// The users' pasts, up to an instant.
#[derive(Debug)]
pub struct Pasts<'a> {
    data: &'a Dataset,
    rows: Grouped,
    dim: usize,
    /// Text vectors of searches, by the code of the text.
    texts: Vec<f32>,
    searched: Vec<bool>,
}

impl<'a> Pasts<'a> {
    /// Collects what happened before `until_ms`.
    #[must_use]
    pub fn new(data: &'a Dataset, spec: &FeatureSpec, until_ms: i64) -> Pasts<'a> {
        let table = &data.interactions;
        let dim = spec.text.dim as usize;
        let terms = table.text.terms();
        let mut searched = vec![false; terms.len()];
        for row in (0..table.before(until_ms)).filter(|row| table.kind[*row] == EventKind::Search) {
            if let Some(flag) = searched.get_mut(table.text.code(row) as usize) {
                *flag = true;
            }
        }
        let mut texts = vec![0.0; terms.len() * dim];
        for (code, slot) in texts
            .chunks_exact_mut(dim.max(1))
            .enumerate()
            .filter(|(code, _)| searched[*code])
        {
            encode_text(&spec.text, spec.seed, Folding::current(), terms.name(code as u32), slot);
        }
        Pasts {
            data,
            rows: data.rows_by_user(until_ms),
            dim,
            texts,
            searched,
        }
    }

    /// Rows of the interactions that [`Pasts::of`] tells of, in its order.
    #[must_use]
    pub fn rows(&self, user: u32) -> &[u32] {
        self.rows.get(user)
    }

    /// What a user did, oldest first. For a moment, take those before it: [`before`].
    #[must_use]
    pub fn of<'b>(&'b self, user: u32, vectors: Option<&'b QuantRows>, factors: &'b QuantRows) -> Vec<PastEvent<'b>> {
        let data = self.data;
        let (table, videos) = (&data.interactions, &data.videos);
        let event = |row: &u32| {
            let (at, video) = (*row as usize, table.video[*row as usize]);
            let mut event = PastEvent::new(table.kind[at], table.at_ms[at]);
            event.surface = table.surface.get(at);
            event.judged = table.relevant[at];
            if video != NONE {
                event.video = Some(videos.ids.name(video));
                event.length_seconds = data.length_of(video);
                event.fraction = match event.kind {
                    EventKind::Watch => fraction_watched(table.seconds[at], event.length_seconds),
                    _ => None,
                };
                event.vector = vectors.and_then(|rows| rows.row(video));
                event.factor = factors.row(video);
                event.channel = videos.channel.get(video as usize);
            }
            let code = table.text.code(at) as usize;
            if event.kind == EventKind::Search && self.searched.get(code) == Some(&true) {
                event.text = self.texts.get(code * self.dim..(code + 1) * self.dim);
            }
            event
        };
        self.rows.get(user).iter().map(event).collect()
    }
}

/// The events strictly before an instant, of events in order of time.
#[must_use]
pub fn before<'b, 'c>(events: &'c [PastEvent<'b>], now_ms: i64) -> &'c [PastEvent<'b>] {
    &events[..events.partition_point(|event| event.at_ms < now_ms)]
}

/// What a moment is encoded with.
#[derive(Debug, Clone, Copy)]
pub struct Moments<'a> {
    /// Tables.
    pub data: &'a Dataset,
    /// Feature spec.
    pub spec: &'a FeatureSpec,
    /// Gram matrix of the item factors.
    pub gram: &'a Gram,
    /// Pasts of the users, up to the last moment at least.
    pub pasts: &'a Pasts<'a>,
    /// Item factors.
    pub factors: &'a QuantRows,
}

/// A moment as the device would have seen it.
#[derive(Debug)]
pub struct Moment<'m, 'p> {
    /// The encounter that opens at this moment.
    pub encounter: &'m Encounter,
    /// Its context.
    pub context: Context,
    /// What the user did strictly before.
    pub past: &'m [PastEvent<'p>],
    /// The viewer, encoded.
    pub encoded: EncodedUser,
}

impl Moments<'_> {
    /// Visits the moment at which each encounter opened, on all cores, pools made of these item
    /// vectors; results in the order of `encounters`.
    ///
    /// # Errors
    /// [`Error::Core`] where an encoder refuses its input, and what `visit` returns.
    pub fn map<T: Send>(
        &self,
        encounters: &[&Encounter],
        vectors: &QuantRows,
        visit: impl Fn(Moment<'_, '_>) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let encoder = UserEncoder::new(self.spec, self.gram, Folding::current())?;
        // Users side by side, so that a past is collected once.
        let mut order: Vec<usize> = (0..encounters.len()).collect();
        order.sort_by_key(|i| encounters[*i].user);
        let by_user: Vec<&[usize]> = order
            .chunk_by(|a, b| encounters[*a].user == encounters[*b].user)
            .collect();
        let of_user = |own: &&[usize]| -> Result<Vec<(usize, T)>, Error> {
            let user = own.first().map_or(NONE, |i| encounters[*i].user);
            let events = self.pasts.of(user, Some(vectors), self.factors);
            let moment = |i: &usize| {
                let (encounter, row) = (encounters[*i], encounters[*i].row as usize);
                let context = self.data.context(row);
                let past = before(&events, context.now_ms);
                let encoded = encoder.encode(&self.data.profile(user, Some(row)), &context, past)?;
                let seen = visit(Moment {
                    encounter,
                    context,
                    past,
                    encoded,
                })?;
                Ok((*i, seen))
            };
            own.iter().map(moment).collect()
        };
        let found: Result<Vec<Vec<(usize, T)>>, Error> = by_user.par_iter().map(of_user).collect();
        let mut all: Vec<(usize, T)> = found?.into_iter().flatten().collect();
        all.sort_by_key(|(i, _)| *i);
        Ok(all.into_iter().map(|(_, seen)| seen).collect())
    }
}
