//! The bare outcome of a bundle on the test window, to be compared with that of another one.

use serde::{Deserialize, Serialize};

use super::{MODELS, impressions, on_ground, slates};
use crate::Error;
use crate::bundle::Bundle;
use crate::table::Dataset;

/// Places of the two in [`MODELS`].
const TWO_TOWER: usize = MODELS.len() - 2;
const DEVICE: usize = MODELS.len() - 1;

/// Which of the first places of a user's slates came true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlateHits {
    /// User row.
    pub user: u32,
    /// Videos that they found relevant in the window.
    pub relevant: usize,
    /// Of the towers' slate.
    pub two_tower: Vec<bool>,
    /// Of the device's slate.
    pub device: Vec<bool>,
}

/// Towers and device on the test window, impression by impression and user by user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// User row of each impression.
    pub users: Vec<u32>,
    /// Whether it was relevant.
    pub relevant: Vec<bool>,
    /// Scores of the two towers, viewers live.
    pub two_tower: Vec<f32>,
    /// Logits of the device, viewers live.
    pub device: Vec<f32>,
    /// Slates of the users that are judged.
    pub slates: Vec<SlateHits>,
}

/// Measures a bundle: impressions all, slates of at most `users` users, evenly spaced.
///
/// # Errors
/// As [`super::evaluate`].
pub fn measure(data: &Dataset, bundle: &Bundle, users: usize, diversity: f32) -> Result<Measured, Error> {
    on_ground(data, bundle, (diversity, None), |ground| {
        let scores = impressions::score(&ground.stage, ground.test, false)?;
        let visitors = slates::pleased(ground.test, ground.seen, users);
        let judged = ground.stage.judge_all(&visitors, "slates")?;
        let slates = visitors.iter().zip(judged).map(|(visitor, j)| SlateHits {
            user: visitor.user,
            relevant: j.relevant,
            two_tower: j.hits[TWO_TOWER].clone(),
            device: j.hits[DEVICE].clone(),
        });
        Ok(Measured {
            users: scores.iter().map(|s| s.user).collect(),
            relevant: scores.iter().map(|s| s.relevant).collect(),
            two_tower: scores.iter().map(|s| s.live[TWO_TOWER]).collect(),
            device: scores.iter().map(|s| s.live[DEVICE]).collect(),
            slates: slates.collect(),
        })
    })
}
