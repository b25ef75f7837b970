//! The ranker's heads: what each foretells of a candidate, and how a slate's order weighs them.
//!
//! The **order** is the logit that a candidate is met *and* found relevant among those of a server. What else a page wants
//! of a slate, that its videos are liked or finished, is a matter of how much likelier that is than relevance where a video
//! is shown. With shares `s` of the weights, the order goes by
//!
//! ```text
//! order + Σ s_h · (ln p_h − ln p_relevant)        h: liked, finished, watched
//! ```
//!
//! Read the order as the logarithm of a chance: that is the geometric mean, by the weights, of the chances that the video is
//! met and relevant, met and liked, met and finished. All weight on `relevant`, the default, is the order itself, to the bit.

use serde::Serialize;

use crate::encounter::Outcome;
use crate::program::kernel::log_sigmoid;
use crate::reward::Reward;
use crate::tree::{decimal, record};
use crate::{Error, ErrorKind};

/// What a head foretells of a candidate that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Head {
    /// The chance that it is relevant by the label: liked, or watched for half of its length.
    Relevant,
    /// The chance that it is liked.
    Liked,
    /// The chance that it is watched for [`COMPLETED_FRACTION`](crate::reward::COMPLETED_FRACTION) of its length.
    Finished,
    /// The fraction of its length that is watched, on average.
    Watched,
}

/// Heads after [`Head::Relevant`].
pub const FURTHER: usize = 3;

impl Head {
    /// All, in the order of the ranker's output.
    pub const ALL: [Head; 1 + FURTHER] = [Head::Relevant, Head::Liked, Head::Finished, Head::Watched];

    /// The name in manifests, options and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Head::Relevant => "relevant",
            Head::Liked => "liked",
            Head::Finished => "finished",
            Head::Watched => "watched",
        }
    }

    /// What the head should have said of an encounter, 0..=1; `None` where nobody can tell (a watch of unknown seconds).
    ///
    /// ```
    /// use upnext_core::encounter::Outcome;
    /// use upnext_core::head::Head;
    /// let met = Outcome { shown: true, watched: true, fraction: Some(0.75), ..Outcome::default() };
    /// assert_eq!(Head::ALL.map(|head| head.target(&met)), [Some(1.0), Some(0.0), Some(0.0), Some(0.75)]);
    /// let untold = Outcome { fraction: None, ..met };
    /// assert_eq!(Head::ALL.map(|head| head.target(&untold)), [None, Some(0.0), None, None]);
    /// ```
    #[must_use]
    pub fn target(self, outcome: &Outcome) -> Option<f32> {
        let earned = |reward: Reward| reward.of(outcome, None).map(|earned| earned as f32);
        match self {
            Head::Relevant => earned(Reward::Relevant),
            Head::Liked => earned(Reward::Liked),
            Head::Finished => earned(Reward::Completed),
            // What was not played was watched for nothing of it.
            Head::Watched if outcome.watched => outcome.fraction,
            Head::Watched => Some(0.0),
        }
    }
}

/// What the ranker says of one candidate: logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// Of relevance where it is shown.
    pub relevant: f32,
    /// Of the heads after it; none of a ranker that has no more.
    pub further: Option<[f32; FURTHER]>,
    /// Of the order.
    pub order: f32,
}

impl Said {
    /// Values per candidate that a ranker may have: relevance and order, or those with the further heads between.
    pub const WIDTHS: [usize; 2] = [2, 2 + FURTHER];

    /// A row of the ranker's output; `None` of another width.
    #[must_use]
    pub const fn read(row: &[f32]) -> Option<Said> {
        match *row {
            [relevant, order] => Some(Said {
                relevant,
                further: None,
                order,
            }),
            [relevant, liked, finished, watched, order] => Some(Said {
                relevant,
                further: Some([liked, finished, watched]),
                order,
            }),
            _ => None,
        }
    }

    /// The logit of a head, where the ranker has it.
    #[must_use]
    pub fn of(&self, head: Head) -> Option<f32> {
        match head as usize {
            0 => Some(self.relevant),
            at => self.further.map(|further| further[at - 1]),
        }
    }

    /// The order, leaning to what the further heads say by their [shares](HeadWeights::shares).
    #[must_use]
    pub fn leaning(&self, shares: &[f32; FURTHER]) -> f32 {
        let mut order = self.order;
        for (logit, share) in self.further.iter().flatten().zip(shares) {
            if *share > 0.0 {
                order += share * (log_sigmoid(*logit) - log_sigmoid(self.relevant));
            }
        }
        order
    }
}

/// How much each head counts in the order of a slate, 0..=1 each; only their ratios matter.
///
/// In a manifest, a head without a weight is one that the ranker does not have, because its log tells nothing of it. In a
/// request, it is one that the bundle weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct HeadWeights {
    /// Of [`Head::Relevant`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relevant: Option<f32>,
    /// Of [`Head::Liked`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liked: Option<f32>,
    /// Of [`Head::Finished`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<f32>,
    /// Of [`Head::Watched`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<f32>,
}

record!(json HeadWeights { relevant, liked, finished, watched });

impl FromIterator<(Head, f32)> for HeadWeights {
    fn from_iter<T: IntoIterator<Item = (Head, f32)>>(weights: T) -> HeadWeights {
        let mut all = HeadWeights::default();
        for (head, weight) in weights {
            match head {
                Head::Relevant => all.relevant = Some(weight),
                Head::Liked => all.liked = Some(weight),
                Head::Finished => all.finished = Some(weight),
                Head::Watched => all.watched = Some(weight),
            }
        }
        all
    }
}

impl HeadWeights {
    /// Relevance is all: what a bundle says that knows of no other head.
    pub const RELEVANT: HeadWeights = HeadWeights {
        relevant: Some(1.0),
        liked: None,
        finished: None,
        watched: None,
    };

    /// In the order of [`Head::ALL`].
    #[must_use]
    pub const fn all(&self) -> [Option<f32>; 1 + FURTHER] {
        [self.relevant, self.liked, self.finished, self.watched]
    }

    /// Shares of the further heads in the order of a slate of a bundle that has these weights, where a page asks for others.
    /// The weight of a head that the bundle does not have is relevance's.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] for a weight outside 0..=1, and where all are 0.
    ///
    /// ```
    /// use upnext_core::head::HeadWeights;
    /// let bundle = HeadWeights { liked: Some(0.0), finished: Some(0.0), ..HeadWeights::RELEVANT };
    /// assert_eq!(bundle.shares(None).unwrap(), [0.0, 0.0, 0.0]);
    /// let page = HeadWeights { liked: Some(0.5), watched: Some(0.5), ..HeadWeights::default() };
    /// assert_eq!(bundle.shares(Some(&page)).unwrap(), [0.25, 0.0, 0.0]);
    /// ```
    pub fn shares(&self, asked: Option<&HeadWeights>) -> Result<[f32; FURTHER], Error> {
        let asked = asked.map_or([None; 1 + FURTHER], HeadWeights::all);
        let (mut shares, mut total) = ([0.0; FURTHER], 0.0);
        for (at, (asked, own)) in asked.iter().zip(self.all()).enumerate() {
            let weight = asked.or(own).unwrap_or(0.0);
            if !(0.0..=1.0).contains(&weight) {
                return invalid(format!("one is {}, needed is 0..=1", decimal::text(weight)));
            }
            total += weight;
            if at > 0 && own.is_some() {
                shares[at - 1] = weight;
            }
        }
        if total <= 0.0 {
            return invalid("all are 0".into());
        }
        Ok(shares.map(|weight| weight / total))
    }
}

fn invalid<T>(reason: String) -> Result<T, Error> {
    Err(Error::from(ErrorKind::RequestInvalid {
        what: "headWeights".into(),
        reason,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::Code;

    const BUNDLE: HeadWeights = HeadWeights {
        relevant: Some(1.0),
        liked: Some(0.0),
        finished: Some(0.0),
        watched: Some(0.0),
    };

    fn said(relevant: f32, further: [f32; FURTHER], order: f32) -> Said {
        Said {
            relevant,
            further: Some(further),
            order,
        }
    }

    #[test]
    fn rows_are_read_by_their_width() {
        assert_eq!(Said::read(&[1.0, 2.0]).unwrap().of(Head::Liked), None);
        let whole = Said::read(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(Head::ALL.map(|head| whole.of(head)), [1.0, 2.0, 3.0, 4.0].map(Some));
        assert_eq!(whole.order, 5.0);
        for width in (0..8).filter(|width| !Said::WIDTHS.contains(width)) {
            assert_eq!(Said::read(&vec![0.0; width]), None, "{width}");
        }
    }

    #[test]
    fn a_page_may_weigh_heads_within_bounds_and_leaves_the_others_to_the_bundle() {
        let asked = |relevant, liked| HeadWeights {
            relevant,
            liked,
            ..HeadWeights::default()
        };
        let shares = |asked: HeadWeights| BUNDLE.shares(Some(&asked));
        assert_eq!(shares(asked(None, None)).unwrap(), [0.0; 3]);
        assert_eq!(shares(asked(None, Some(1.0))).unwrap(), [0.5, 0.0, 0.0]);
        assert_eq!(shares(asked(Some(0.0), Some(0.25))).unwrap(), [1.0, 0.0, 0.0]);
        // A head that the bundle does not have counts as relevance.
        let old = HeadWeights::RELEVANT;
        assert_eq!(old.shares(Some(&asked(Some(0.0), Some(1.0)))).unwrap(), [0.0; 3]);
        for wrong in [
            asked(Some(1.5), None),
            asked(None, Some(-0.1)),
            asked(None, Some(f32::NAN)),
            asked(Some(0.0), None),
        ] {
            assert_eq!(shares(wrong).unwrap_err().code(), Code::RequestInvalid, "{wrong:?}");
        }
    }

    #[test]
    fn a_head_raises_what_it_holds_likelier() {
        let (dull, loved) = (said(1.0, [-3.0, 0.0, 0.0], 0.5), said(1.0, [1.0, 0.0, 0.0], 0.4));
        assert!(dull.leaning(&[0.0; 3]) > loved.leaning(&[0.0; 3]));
        assert!(dull.leaning(&[0.5, 0.0, 0.0]) < loved.leaning(&[0.5, 0.0, 0.0]));
    }

    proptest! {
        #[test]
        fn the_lean_is_the_geometric_mean_of_the_chances(
            relevant in -8.0_f32..8.0, further in prop::array::uniform3(-8.0_f32..8.0), order in -8.0_f32..8.0,
            weights in prop::array::uniform4(0.0_f32..1.0),
        ) {
            prop_assume!(weights.iter().sum::<f32>() > 0.01);
            let [own, liked, finished, watched] = weights.map(Some);
            let shares = BUNDLE.shares(Some(&HeadWeights { relevant: own, liked, finished, watched })).unwrap();
            let sigmoid = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
            let met = f64::from(order).exp() / sigmoid(relevant);
            let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
            let chances = [relevant, further[0], further[1], further[2]].map(|x| met * sigmoid(x));
            let mean: f64 = chances.iter().zip(weights).map(|(p, w)| f64::from(w) / total * p.ln()).sum();
            let found = f64::from(said(relevant, further, order).leaning(&shares));
            prop_assert!((found - mean).abs() < 1e-4, "{found} {mean}");
        }

        #[test]
        fn relevance_alone_is_the_order_to_the_bit(bits in prop::array::uniform5(any::<u32>())) {
            let row = bits.map(f32::from_bits);
            let order = Said::read(&row).unwrap().leaning(&BUNDLE.shares(None).unwrap());
            prop_assert_eq!(order.to_bits(), row[4].to_bits());
        }
    }
}
