//! An experiment: accounts are divided among arms, each of which may serve another bundle or fill blocks otherwise.
//!
//! The division is [`upnext_core::experiment::assign`]'s, by the account's id. Who has no account is in no arm: nothing
//! that could tell one anonymous viewer from another is in a request (DESIGN 9), and so there is nothing to divide by.

use std::collections::BTreeSet;

use upnext_core::block::MAX_ARM_BYTES;
use upnext_core::bundle::is_sha256_hex;
use upnext_core::experiment::{self, assign};

use crate::candidates::{Share, Shares};
use crate::error::StartError;

/// Most arms of an experiment.
pub const MAX_ARMS: usize = 16;

/// An arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Name: in blocks, events and figures.
    pub name: String,
    /// Share of the accounts, over the sum of all weights.
    pub weight: f64,
    /// Id of the bundle that it serves; without one the current one.
    pub bundle: Option<String>,
    /// What the sources may fill.
    pub shares: Shares,
}

/// An experiment that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    name: String,
    arms: Vec<Arm>,
}

impl Arm {
    /// Reads `NAME=WEIGHT[,bundle=ID][,SOURCE=OWN[..MOST]]`, the sources being `neighbours`, `near`, `fresh` and `popular`, their
    /// shares of a block between 0 and 1; `OWN` alone is both.
    ///
    /// # Errors
    /// What is wrong, for a person.
    ///
    /// ```
    /// use upnext_server::experiment::Arm;
    /// let arm = Arm::parse("bold=1,fresh=0.1..0.2,neighbours=0")?;
    /// assert_eq!((arm.name.as_str(), arm.weight, arm.bundle), ("bold", 1.0, None));
    /// assert_eq!((arm.shares.fresh.own, arm.shares.fresh.most, arm.shares.neighbours.most), (0.1, 0.2, 0.0));
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(text: &str) -> Result<Arm, String> {
        let mut parts = text.split(',');
        let (name, weight) = parts
            .next()
            .and_then(|part| part.split_once('='))
            .ok_or("is not NAME=WEIGHT[,…]")?;
        let mut arm = Arm {
            name: name.to_owned(),
            weight: weight
                .parse()
                .map_err(|_| format!("has the weight `{weight}`, which is no number"))?,
            bundle: None,
            shares: Shares::default(),
        };
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !((1..=MAX_ARM_BYTES).contains(&name.len()) && name.bytes().all(is_letter)) {
            return Err(format!(
                "has a name that is not 1 to {MAX_ARM_BYTES} letters, digits, `-`, `_` or `.`"
            ));
        }
        if !(arm.weight >= 0.0 && arm.weight.is_finite()) {
            return Err(format!("has the weight {weight}, which is below 0 or not finite"));
        }
        let mut named = BTreeSet::new();
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("has `{part}`, which is not key=value"))?;
            if !named.insert(key) {
                return Err(format!("names {key} twice"));
            }
            let shares = &mut arm.shares;
            match key {
                "bundle" if is_sha256_hex(value) => arm.bundle = Some(value.to_owned()),
                "bundle" => return Err("names a bundle that is not 64 lower-case hex digits".to_owned()),
                "neighbours" => shares.neighbours = share(key, value)?,
                "near" => shares.near = share(key, value)?,
                "fresh" => shares.fresh = share(key, value)?,
                "popular" => shares.popular = share(key, value)?,
                _ => return Err(format!("has `{key}`, not bundle, neighbours, near, fresh or popular")),
            }
        }
        let Shares {
            neighbours,
            near,
            fresh,
            popular,
        } = arm.shares;
        let own: f32 = [neighbours, near, fresh, popular].iter().map(|share| share.own).sum();
        if own > 1.0 {
            return Err(format!(
                "gives sources {own} of a block for themselves, more than there is"
            ));
        }
        Ok(arm)
    }
}

fn share(source: &str, value: &str) -> Result<Share, String> {
    let (own, most) = value.split_once("..").unwrap_or((value, value));
    let number = |text: &str| text.parse::<f32>().ok().filter(|share| (0.0..=1.0).contains(share));
    match (number(own), number(most)) {
        (Some(own), Some(most)) if own <= most => Ok(Share { own, most }),
        _ => Err(format!(
            "has {source}={value}, which is not OWN or OWN..MOST with 0 ≤ OWN ≤ MOST ≤ 1"
        )),
    }
}

impl Experiment {
    /// An experiment of this name with these arms, one at least.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`]: no arm or too many, two of one name, none with a weight.
    pub fn new(name: String, arms: Vec<Arm>) -> Result<Experiment, StartError> {
        let invalid = |reason: String| StartError::ConfigInvalid {
            option: "--arm",
            reason,
        };
        if !(1..=MAX_ARMS).contains(&arms.len()) {
            return Err(invalid(format!("is given {} times, not 1 to {MAX_ARMS}", arms.len())));
        }
        let names: BTreeSet<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
        if names.len() != arms.len() {
            return Err(invalid("names one arm twice".to_owned()));
        }
        if arms.iter().all(|arm| arm.weight == 0.0) {
            return Err(invalid(
                "gives all arms the weight 0: nobody would be in any".to_owned(),
            ));
        }
        Ok(Experiment { name, arms })
    }

    /// The arm of an account.
    #[must_use]
    pub fn arm(&self, account: &str) -> Option<&Arm> {
        let arms: Vec<experiment::Arm<'_>> = self
            .arms
            .iter()
            .map(|arm| experiment::Arm {
                name: &arm.name,
                weight: arm.weight,
            })
            .collect();
        self.arms.get(assign(&self.name, account, &arms)?)
    }

    /// Ids of the bundles that arms have for themselves, rising.
    #[must_use]
    pub fn bundles(&self) -> BTreeSet<&str> {
        self.arms.iter().filter_map(|arm| arm.bundle.as_deref()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_arm_is_read_or_what_is_wrong_is_said() {
        let id = "0f".repeat(32);
        let arm = Arm::parse(&format!("new-1=0.5,bundle={id},near=0.25")).unwrap();
        assert_eq!((arm.weight, arm.bundle), (0.5, Some(id)));
        assert_eq!(arm.shares.near, Share { own: 0.25, most: 0.25 });
        assert_eq!(arm.shares.popular, Shares::default().popular, "what is not named stays");
        for (wrong, said) in [
            ("new", "NAME=WEIGHT"),
            ("=1", "name"),
            ("ä=1", "name"),
            ("a b=1", "name"),
            ("new=", "number"),
            ("new=-1", "below 0"),
            ("new=NaN", "finite"),
            ("new=inf", "finite"),
            ("new=1,near", "key=value"),
            ("new=1,pool=3", "pool"),
            ("new=1,bundle=latest", "64"),
            ("new=1,near=0.1,near=0.2", "twice"),
            ("new=1,near=1.5", "OWN"),
            ("new=1,near=0.5..0.2", "OWN"),
            ("new=1,near=NaN", "OWN"),
            ("new=1,near=0.6,fresh=0.6", "more than there is"),
        ] {
            let message = Arm::parse(wrong).unwrap_err();
            assert!(message.contains(said), "{wrong}: {message}");
        }
        assert!(Arm::parse(&format!("{}=1", "x".repeat(MAX_ARM_BYTES))).is_ok());
        assert!(Arm::parse(&format!("{}=1", "x".repeat(MAX_ARM_BYTES + 1))).is_err());
    }

    #[test]
    fn an_experiment_needs_arms_of_distinct_names_and_a_weight() {
        let of = |arms: &[&str]| {
            let arms = arms.iter().map(|arm| Arm::parse(arm).unwrap()).collect();
            Experiment::new("may".to_owned(), arms)
        };
        for wrong in [&[][..], &["a=1", "a=2"], &["a=0", "b=0"]] {
            assert_eq!(of(wrong).unwrap_err().code(), upnext_core::Code::ConfigInvalid);
        }
        let all = of(&["a=0", "b=1"]).unwrap();
        assert!((0..50).all(|account| all.arm(&account.to_string()).unwrap().name == "b"));
    }
}
