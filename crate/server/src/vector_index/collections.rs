//! Collections of an engine: their names, and which of them nobody serves any more.

use std::collections::BTreeMap;

/// What every name begins with, and no collection of anybody else.
const PREFIX: &str = "upnext_";

/// What names of collections end with whose rows lie in a graph.
const GRAPH: &str = "_graph";

/// Bundles that stay, counted back from the newest that is served: it and the one before, which other servers and devices may
/// still hold.
const KEPT: usize = 2;

/// Which vectors of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Item vectors.
    Vectors,
    /// Item factors.
    Factors,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Side::Vectors => "vectors",
            Side::Factors => "factors",
        }
    }
}

/// Name of the collection of one side of a bundle. A bundle's id is a hash of all that is in it, so equal names are equal
/// contents, and all servers of a bundle share them.
#[must_use]
pub fn name(bundle: &str, side: Side) -> String {
    format!("{PREFIX}{bundle}_{}", side.name())
}

/// The name of the same rows in a graph: servers that would search otherwise do not share.
#[must_use]
pub fn in_graph(name: &str) -> String {
    format!("{name}{GRAPH}")
}

/// The bundle of a collection; `None` for a collection of somebody else.
#[must_use]
pub fn bundle_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PREFIX)?;
    let rest = rest.strip_suffix(GRAPH).unwrap_or(rest);
    let bundle = [Side::Vectors, Side::Factors]
        .into_iter()
        .find_map(|side| rest.strip_suffix(side.name())?.strip_suffix('_'))?;
    let is_id = bundle.len() == 64 && bundle.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_id.then_some(bundle)
}

/// The collections that can go, of those that are `there` with the time of their making: what belongs to none of the bundles
/// that are `served`, and is older than the newest of these and the one before it.
///
/// What is newer than everything served here is another server's, which has changed over already; what is not ours is never
/// named; and while nothing that is served is there yet, nothing goes.
#[must_use]
pub fn stale<'a>(there: &'a [(String, u64)], served: &[String]) -> Vec<&'a str> {
    let mut made: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, at) in there {
        if let Some(bundle) = bundle_of(name) {
            let first = made.entry(bundle).or_insert(*at);
            *first = (*first).min(*at);
        }
    }
    let newest_served = served.iter().filter_map(|bundle| made.get(bundle.as_str())).max();
    let Some(newest_served) = newest_served else {
        return Vec::new();
    };
    let mut by_age: Vec<(&str, u64)> = made
        .iter()
        .map(|(bundle, at)| (*bundle, *at))
        .filter(|(_, at)| at <= newest_served)
        .collect();
    by_age.sort_by_key(|(bundle, at)| (std::cmp::Reverse(*at), *bundle));
    let old: Vec<&str> = by_age.into_iter().skip(KEPT).map(|(bundle, _)| bundle).collect();
    there
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| {
            bundle_of(name).is_some_and(|bundle| old.contains(&bundle) && !served.iter().any(|id| id == bundle))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> String {
        format!("{number:064x}")
    }

    #[test]
    fn a_name_tells_its_bundle_and_others_names_tell_none() {
        for side in [Side::Vectors, Side::Factors] {
            assert_eq!(bundle_of(&name(&id(7), side)), Some(id(7).as_str()));
            assert_eq!(bundle_of(&in_graph(&name(&id(7), side))), Some(id(7).as_str()));
        }
        for other in [
            "upnext",
            "upnext_x_vectors",
            "books",
            &format!("upnext_{}", id(7)),
            &format!("upnext_{}_other", id(7)),
        ] {
            assert_eq!(bundle_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_one_before_stays_and_those_before_it_go() {
        let there: Vec<(String, u64)> = (1..=4)
            .flat_map(|n| {
                [
                    (name(&id(n), Side::Vectors), u64::from(n)),
                    (name(&id(n), Side::Factors), u64::from(n) + 1),
                ]
            })
            .collect();
        let gone = |served: &[u8]| -> BTreeSet<String> {
            let served: Vec<String> = served.iter().map(|n| id(*n)).collect();
            stale(&there, &served)
                .into_iter()
                .map(|name| bundle_of(name).unwrap().to_owned())
                .collect()
        };
        assert_eq!(gone(&[4, 3]), BTreeSet::from([id(1), id(2)]));
        assert_eq!(
            gone(&[4]),
            BTreeSet::from([id(1), id(2)]),
            "a server that has just started knows of none before"
        );
        assert_eq!(gone(&[3]), BTreeSet::from([id(1)]), "the newest is another server's");
        assert_eq!(gone(&[4, 1]), BTreeSet::from([id(2)]), "an arm, or a way back");
        assert_eq!(gone(&[9]), BTreeSet::new(), "not there yet");
    }

    proptest! {
        #[test]
        fn what_is_served_or_newer_or_next_to_newest_never_goes(
            bundles in prop::collection::btree_map(0_u8..20, 0_u64..50, 0..12),
            served in prop::collection::btree_set(0_u8..20, 0..5),
            foreign in prop::collection::vec(("[a-z_]{1,12}", 0_u64..50), 0..4),
        ) {
            let mut there: Vec<(String, u64)> = bundles.iter().map(|(n, at)| (name(&id(*n), Side::Vectors), *at)).collect();
            there.extend(foreign);
            let served: Vec<String> = served.into_iter().map(id).collect();
            let gone = stale(&there, &served);
            for name in &gone {
                let bundle = bundle_of(name).unwrap();
                prop_assert!(!served.iter().any(|id| id == bundle));
            }
            let left: Vec<(String, u64)> = there.iter().filter(|(name, _)| !gone.contains(&name.as_str())).cloned().collect();
            prop_assert!(stale(&left, &served).is_empty(), "what stays once stays");
            let ours = left.iter().filter(|(name, _)| bundle_of(name).is_some()).count();
            prop_assert!(ours >= bundles.len().min(KEPT));
        }
    }
}
