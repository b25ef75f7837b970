//! Impressions of the test window, scored by every model as of their own instants.

use upnext_core::engine::Engine as _;
use upnext_core::feature::{EncodedUser, PastEvent, UserEncoder};
use upnext_core::head::{Head, Said};
use upnext_core::signal::signals;
use upnext_core::text::Folding;
use upnext_core::viewer::ViewerState;

use super::Engines;
use super::catalogue::Catalogue;
use super::slates::Stage;
use crate::Error;
use crate::label::Encounter;
use crate::moments::{Moment, Moments, before};
use crate::progress::Progress;

/// One impression with the scores of the models, in the order of [`super::MODELS`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Impression {
    pub(super) user: u32,
    pub(super) video: u32,
    pub(super) relevant: bool,
    /// Viewer as of the impression.
    pub(super) live: [f32; 4],
    /// Viewer as of the start of the test window.
    pub(super) frozen: [f32; 4],
    /// What each head says, viewer live, and what it should have said, in the order of [`Head::ALL`]; `None`: the ranker has
    /// no such head, nobody can tell.
    pub(super) heads: [(Option<f32>, Option<f32>); Head::ALL.len()],
}

/// All of them.
pub(super) type Scores = Vec<Impression>;

/// Scores the impressions of the test window. Without `frozen`, the viewer as of the start of the window is the live one.
pub(super) fn score(stage: &Stage<'_>, test: &[(&Encounter, bool)], frozen: bool) -> Result<Scores, Error> {
    let Stage {
        moments,
        catalogue,
        engines,
        from_ms,
        watched,
        ..
    } = *stage;
    let encoder = UserEncoder::new(moments.spec, moments.gram, Folding::current())?;
    let progress = Progress::start("impressions", test.len() as u64);
    let shown: Vec<&Encounter> = test.iter().map(|(e, _)| *e).collect();
    let scores = moments.map(&shown, &catalogue.vectors, |moment: Moment<'_, '_>| {
        let e = moment.encounter;
        let popular = catalogue.figures.log_popularity[e.video as usize];
        let (live, said) = device(
            moments,
            catalogue,
            engines,
            &moment,
            moment.past,
            moment.encoded.clone(),
        )?;
        let past = before(moment.past, from_ms);
        let frozen = if !frozen || past.len() == moment.past.len() {
            live
        } else {
            let profile = moments.data.profile(e.user, Some(e.row as usize));
            let encoded = encoder.encode(&profile, &moment.context, past)?;
            device(moments, catalogue, engines, &moment, past, encoded)?.0
        };
        progress.add(1);
        let heads = Head::ALL.map(|head| {
            (
                said.and_then(|said| said.of(head)),
                watched.target(head, e, moments.data),
            )
        });
        Ok((with(popular, live), with(popular, frozen), heads))
    })?;
    progress.finish();
    let joined = test
        .iter()
        .zip(scores)
        .map(|((e, relevant), (live, frozen, heads))| Impression {
            user: e.user,
            video: e.video,
            relevant: *relevant,
            live,
            frozen,
            heads,
        });
    Ok(joined.collect())
}

fn with(popular: f32, [cf, tower, logit]: [f32; 3]) -> [f32; 4] {
    [popular, cf, tower, logit]
}

/// Scores of the folded-in factor, of the two towers and of the ranker's head of relevance for the video of a moment, and
/// all that the ranker says of it.
fn device(
    moments: &Moments<'_>,
    catalogue: &Catalogue<'_>,
    engines: &Engines,
    moment: &Moment<'_, '_>,
    past: &[PastEvent<'_>],
    encoded: EncodedUser,
) -> Result<([f32; 3], Option<Said>), Error> {
    engines.with(|engine| {
        let vector = engine.user_vector(&encoded)?;
        let viewer = ViewerState::new(moments.spec, &moment.context, past, &encoded, &vector);
        let candidate = catalogue.candidate(moment.encounter.video);
        let row = signals(&viewer, &candidate);
        let cf = candidate.factor.map_or(0.0, |factor| factor.dot(&encoded.factor));
        let said = Said::read(&engine.rank(&row, 1)?);
        let logit = said.map_or(f32::NAN, |said| said.relevant);
        Ok(([cf, candidate.vector.dot(&vector), logit], said))
    })
}
