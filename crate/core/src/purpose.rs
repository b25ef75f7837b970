//! What a viewer lets an event go to a server for.

/// One purpose. Each is switched on by the viewer, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Better candidates and models: the event changes what is recommended, to its account and by the next training.
    Improve,
    /// Counting how recommendations do. Alone it changes nothing of what is recommended.
    Metrics,
}

impl Purpose {
    /// All, in the order in which they are told.
    pub const ALL: [Purpose; 2] = [Purpose::Improve, Purpose::Metrics];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Purpose::Improve => "improve",
            Purpose::Metrics => "metrics",
        }
    }

    /// Its bit in a set that is stored; the number of one that is gone is not used again.
    const fn bit(self) -> u8 {
        match self {
            Purpose::Improve => 1,
            Purpose::Metrics => 2,
        }
    }
}

/// The purposes of an event: one or more.
///
/// ```
/// use upnext_core::{Purpose, Purposes};
/// let metrics = Purposes::parse(["metrics"]).unwrap_or(Purposes::ALL);
/// assert!(metrics.holds(Purpose::Metrics) && !metrics.holds(Purpose::Improve));
/// assert_eq!(Purposes::parse(["metrics", "advertise"]), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purposes(u8);

impl Purposes {
    /// Every purpose.
    pub const ALL: Purposes = Purposes(Purpose::Improve.bit() | Purpose::Metrics.bit());

    /// One purpose.
    #[must_use]
    pub const fn only(purpose: Purpose) -> Purposes {
        Purposes(purpose.bit())
    }

    /// Reads names. `None` without one, for a name that is none, and for one that is there twice.
    #[must_use]
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Purposes> {
        let mut bits = 0;
        for name in names {
            let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name)?;
            if bits & purpose.bit() != 0 {
                return None;
            }
            bits |= purpose.bit();
        }
        Purposes::from_bits(bits)
    }

    /// The names, in the order of [`Purpose::ALL`].
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let held = Purpose::ALL.into_iter().filter(|purpose| self.holds(*purpose));
        held.map(Purpose::as_str).collect()
    }

    /// Whether the event may be used for that.
    #[must_use]
    pub const fn holds(self, purpose: Purpose) -> bool {
        self.0 & purpose.bit() != 0
    }

    /// As a number, for a database: 1 is improve, 2 is metrics.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of such a number. `None` for the empty one, and for bits that are no purpose's.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Purposes> {
        if bits != 0 && bits & !Purposes::ALL.0 == 0 {
            Some(Purposes(bits))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_say_the_same() {
        for bits in 0..=u8::MAX {
            let set = Purposes::from_bits(bits);
            assert_eq!(set.is_some(), (1..=3).contains(&bits));
            assert_eq!(set.and_then(|set| Purposes::parse(set.names())), set);
            assert!(set.is_none_or(|set| set.bits() == bits));
        }
        assert_eq!(Purposes::parse(["metrics", "improve"]), Some(Purposes::ALL));
        assert_eq!(Purposes::ALL.names(), ["improve", "metrics"]);
    }

    #[test]
    fn no_name_an_unknown_one_and_the_same_twice_are_none() {
        for names in [&[][..], &["Improve"], &["improve", ""], &["metrics", "metrics"]] {
            assert_eq!(Purposes::parse(names.iter().copied()), None, "{names:?}");
        }
    }
}
