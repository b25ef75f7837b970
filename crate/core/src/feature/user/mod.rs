//! What the user tower reads of a viewer, encoded where the viewer is.

use crate::feature::history::{before, pool, positives};
use crate::feature::spec::FeatureSpec;
use crate::feature::vocabulary::language_term;
use crate::feature::{Column, PastEvent, Pool};
use crate::fold_in::{Gram, fold_in};
use crate::text::{Folding, encode_text};
use crate::{Context, Error, ErrorKind, Profile};

/// Inputs of the user tower: columns and widths, from the spec alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserLayout {
    /// Category columns in order.
    pub categorical: [Column; 9],
    /// Width of the dense input: four pools of item vectors (watched ‖ liked ‖ commented ‖
    /// disliked) ‖ searched ‖ five counts ‖ factor ‖ cold flag ‖ user name, where it is on.
    pub dense: usize,
    /// Where the counts begin in the dense input.
    pub counts_at: usize,
    /// Where the factor begins in the dense input.
    pub factor_at: usize,
    /// Where the cold flag stands in the dense input.
    pub cold_at: usize,
}

impl UserLayout {
    /// The layout of a valid spec.
    #[must_use]
    pub fn new(spec: &FeatureSpec) -> UserLayout {
        let user = &spec.user;
        let text_dim = spec.text.dim as usize;
        let counts_at = 4 * spec.vector_dim as usize + text_dim;
        let factor_at = counts_at + Pool::ALL.len();
        let cold_at = factor_at + spec.factor_dim as usize;
        UserLayout {
            categorical: [
                Column {
                    name: "age",
                    rows: user.age.rows(),
                },
                Column {
                    name: "gender",
                    rows: user.gender.rows(),
                },
                Column {
                    name: "language",
                    rows: user.language.rows(),
                },
                Column {
                    name: "time_zone",
                    rows: user.time_zone.rows(),
                },
                Column {
                    name: "location",
                    rows: user.location.rows(),
                },
                Column {
                    name: "hour",
                    rows: user.hour.rows(),
                },
                Column {
                    name: "weekday",
                    rows: 8,
                },
                Column {
                    name: "device",
                    rows: user.device.rows(),
                },
                Column {
                    name: "surface",
                    rows: user.surface.rows(),
                },
            ],
            dense: cold_at + 1 + if user.username { text_dim } else { 0 },
            counts_at,
            factor_at,
            cold_at,
        }
    }
}

/// A viewer at a moment as the user tower's inputs; the shapes are those of [`UserLayout`].
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedUser {
    /// Rows of the category columns.
    pub categorical: Vec<u32>,
    /// Dense input.
    pub dense: Vec<f32>,
    /// The collaborative factor, a copy of its stretch of `dense`; zeros for a cold viewer.
    pub factor: Vec<f32>,
}

/// Encodes a viewer at `context.now_ms`. Only events strictly before that instant are read.
/// For many, keep a [`UserEncoder`].
///
/// # Errors
/// [`ErrorKind::BundleInconsistent`] where a row of the history or the Gram matrix has another width
/// than the spec says, [`ErrorKind::NotFinite`] where one holds NaN or infinity.
pub fn encode_user(
    spec: &FeatureSpec,
    gram: &Gram,
    folding: &Folding,
    profile: &Profile,
    context: &Context,
    history: &[PastEvent<'_>],
) -> Result<EncodedUser, Error> {
    UserEncoder::new(spec, gram, folding)?.encode(profile, context, history)
}

/// The user encoder with its checks done.
#[derive(Debug, Clone)]
pub struct UserEncoder<'a> {
    spec: &'a FeatureSpec,
    layout: UserLayout,
    gram: &'a Gram,
    folding: &'a Folding,
}

impl<'a> UserEncoder<'a> {
    /// An encoder for a valid spec.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] where the Gram matrix has another width than the spec says.
    pub fn new(spec: &'a FeatureSpec, gram: &'a Gram, folding: &'a Folding) -> Result<UserEncoder<'a>, Error> {
        if gram.dim() != spec.factor_dim as usize {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: "width of the Gram matrix".to_owned(),
                expected: spec.factor_dim.to_string(),
                found: gram.dim().to_string(),
            }));
        }
        Ok(UserEncoder {
            spec,
            layout: UserLayout::new(spec),
            gram,
            folding,
        })
    }

    /// Encodes one viewer; as [`encode_user`].
    ///
    /// # Errors
    /// As [`encode_user`].
    pub fn encode(
        &self,
        profile: &Profile,
        context: &Context,
        history: &[PastEvent<'_>],
    ) -> Result<EncodedUser, Error> {
        let spec = self.spec;
        let most = spec.user.history.max_events as usize;
        let order = before(context.now_ms, history, most, |event| Pool::of(event.kind).is_some());
        let mut dense = Vec::with_capacity(self.layout.dense);
        pool(spec, context.now_ms, history, &order, &mut dense)?;
        let rows = positives(spec, history, context.now_ms)?;
        let factor = fold_in(&spec.user.fold_in, self.gram, &rows);
        dense.extend_from_slice(&factor);
        dense.push(if rows.is_empty() { 1.0 } else { 0.0 });
        if spec.user.username {
            let start = dense.len();
            dense.resize(start + spec.text.dim as usize, 0.0);
            encode_text(
                &spec.text,
                spec.seed,
                self.folding,
                profile.username.as_deref().unwrap_or_default(),
                &mut dense[start..],
            );
        }
        Ok(EncodedUser {
            categorical: encode_categorical(spec, profile, context),
            dense,
            factor,
        })
    }
}

/// Rows of the category columns, in the layout's order.
pub(crate) fn encode_categorical(spec: &FeatureSpec, profile: &Profile, context: &Context) -> Vec<u32> {
    let (user, seed) = (&spec.user, spec.seed);
    let language = profile.language.as_deref().and_then(language_term);
    let time = context.local_time();
    vec![
        user.age.row(profile.age.filter(|age| (0.0..=130.0).contains(age))),
        user.gender.row(seed, profile.gender.as_deref()),
        user.language.row(seed, language.as_deref()),
        user.time_zone.row(seed, profile.time_zone.as_deref()),
        user.location.row(profile.latitude.zip(profile.longitude)),
        user.hour.row(time.map(|t| t.hour)),
        time.map_or(0, |t| 1 + u32::from(t.weekday)),
        user.device.row(seed, context.device.as_deref()),
        user.surface.row(seed, context.surface.as_deref()),
    ]
}

#[cfg(test)]
mod tests;
