//! Asking an engine that stands elsewhere until the answer is full: where a filter leaves few rows, engines may answer with
//! fewer hits than there are, and say nothing of it.

use std::collections::BTreeSet;

use super::RowSet;

/// Rows that are asked for beyond those that are wanted: scores that are equal to rounding change places.
const MARGIN: usize = 16;

/// Most rows that a filter of the last resort names. So few out of many are compared one by one by every index of Milvus.
const LISTED: usize = 8192;

/// Which rows an engine may answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All that it has.
    All,
    /// These alone.
    In(Vec<u32>),
    /// All but these.
    NotIn(Vec<u32>),
}

impl Filter {
    /// As a boolean expression of Milvus over a field of integers; empty for all rows. Made of numbers alone: nothing that
    /// somebody wrote gets into it.
    #[must_use]
    pub fn expression(&self, field: &str) -> String {
        let (word, rows) = match self {
            Filter::All => return String::new(),
            Filter::In(rows) => ("in", rows),
            Filter::NotIn(rows) => ("not in", rows),
        };
        let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        format!("{field} {word} [{}]", rows.join(","))
    }
}

/// Why there is no full answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfilled<E> {
    /// The engine's own error.
    #[error("{0}")]
    Engine(E),
    /// Asked for each row by itself, the engine does not have them.
    #[error("the engine has {found} of {wanted} rows that it was given")]
    Lost {
        /// hits that there must be
        wanted: usize,
        /// hits that there are
        found: usize,
    },
}

/// Rows among which the `min(k, allowed rows)` best are, as far as the engine finds them: distinct, allowed, at least as many.
///
/// `ask(limit, filter)` gives the engine's best rows, `limit` at most; `most` is the largest limit that it takes, and `k` is no
/// more than that. `stored` are the rows that it was given. In turn, until there are enough:
///
/// 1. without a filter, for as many more as are not allowed, which are left out here: the usual case, since most rows are
///    allowed, and the engine's index is at its best;
/// 2. with the shorter list as a filter, twice, the second time for four times as many;
/// 3. for the rows that are still open, some thousands at a time, where every index compares one by one.
///
/// # Errors
/// [`Unfilled::Engine`] with the first error of `ask`; [`Unfilled::Lost`] where even the last step does not fill.
pub fn fill<E>(
    k: usize,
    stored: &RowSet,
    allowed: Option<&RowSet>,
    most: usize,
    mut ask: impl FnMut(usize, &Filter) -> Result<Vec<u32>, E>,
) -> Result<Vec<u32>, Unfilled<E>> {
    let open = allowed.map_or_else(|| stored.clone(), |allowed| stored.and(allowed));
    let (all, available) = (stored.count(), open.count());
    let wanted = k.min(available);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let mut found = BTreeSet::new();
    let mut take = |limit: usize, filter: &Filter, found: &mut BTreeSet<u32>| {
        let rows = ask(limit, filter).map_err(Unfilled::Engine)?;
        found.extend(rows.into_iter().filter(|row| open.contains(*row as usize)));
        Ok(found.len() >= wanted)
    };
    let done = |found: BTreeSet<u32>| Ok(found.into_iter().collect());

    let mut limit = first_limit(wanted, available, all);
    if limit <= most {
        let last = all.min(most);
        loop {
            if take(limit, &Filter::All, &mut found)? {
                return done(found);
            }
            if limit >= last {
                break;
            }
            limit = (4 * limit).min(last);
        }
    }

    let rows_of = |set: &RowSet| set.iter().map(|row| row as u32).collect::<Vec<u32>>();
    let filter = if available <= all - available {
        Filter::In(rows_of(&open))
    } else {
        Filter::NotIn(
            stored
                .iter()
                .filter(|row| !open.contains(*row))
                .map(|row| row as u32)
                .collect(),
        )
    };
    let enough = (wanted + MARGIN).min(most);
    for limit in [enough, (4 * enough).min(most)] {
        if take(limit, &filter, &mut found)? {
            return done(found);
        }
    }

    let rest: Vec<u32> = rows_of(&open).into_iter().filter(|row| !found.contains(row)).collect();
    for rows in rest.chunks(LISTED.min(most)) {
        if take(rows.len(), &Filter::In(rows.to_vec()), &mut found)? {
            return done(found);
        }
    }
    Err(Unfilled::Lost {
        wanted,
        found: found.len(),
    })
}

/// How many of `all` rows to ask for, so that `wanted` of the `available` ones are most likely among them: certainly so while
/// fewer are barred than wanted, else a quarter more than where the barred ones lie anywhere.
fn first_limit(wanted: usize, available: usize, all: usize) -> usize {
    let barred = all - available;
    let limit = if barred <= wanted {
        wanted + barred
    } else {
        (2 * wanted).max(wanted * all / available * 5 / 4)
    };
    (limit + MARGIN).min(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// An engine with these rows, best first, that loses some of its answer where it has more than `sure` rows to choose from.
    struct Engine {
        ranking: Vec<u32>,
        loses: u32,
        sure: usize,
        asked: Vec<(usize, usize)>,
    }

    impl Engine {
        fn ask(&mut self, limit: usize, filter: &Filter) -> Result<Vec<u32>, &'static str> {
            let listed = match filter {
                Filter::All => 0,
                Filter::In(rows) | Filter::NotIn(rows) => rows.len(),
            };
            self.asked.push((limit, listed));
            let passes = |row: &u32| match filter {
                Filter::All => true,
                Filter::In(rows) => rows.contains(row),
                Filter::NotIn(rows) => !rows.contains(row),
            };
            let rows: Vec<u32> = self.ranking.iter().copied().filter(passes).collect();
            let is_sure = rows.len() <= self.sure;
            let kept = rows.into_iter().take(limit);
            Ok(kept
                .filter(|row| is_sure || row.wrapping_mul(2_654_435_761) % 10 >= self.loses)
                .collect())
        }
    }

    /// Rows in an order that has nothing to do with their numbers.
    fn shuffled(seed: u64, count: usize) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..count as u32).collect();
        rows.sort_by_key(|row| {
            (u64::from(*row) ^ seed)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(29)
        });
        rows
    }

    proptest! {
        /// However much an engine loses, the answer is full, allowed and distinct; an engine that loses nothing gives the best.
        #[test]
        fn an_answer_is_full_whatever_the_engine_loses(
            seed: u64,
            count in 1_usize..900,
            k in 0_usize..200,
            modulus in 1_usize..40,
            most in 200_usize..1000,
            loses in 0_u32..10,
            has_filter: bool,
        ) {
            let stored = RowSet::new(count, |row| row % 11 != 5);
            let allowed = RowSet::new(count + 7, |row| row % modulus == 0);
            let ranking: Vec<u32> = shuffled(seed, count).into_iter().filter(|row| stored.contains(*row as usize)).collect();
            let mut engine = Engine { ranking: ranking.clone(), loses, sure: 40, asked: Vec::new() };
            let allowed = has_filter.then_some(&allowed);
            let open = |row: &u32| allowed.is_none_or(|allowed| allowed.contains(*row as usize));
            let truth: Vec<u32> = ranking.iter().copied().filter(open).take(k).collect();
            let answer = fill(k, &stored, allowed, most, |limit, filter| engine.ask(limit, filter));
            prop_assert!(engine.asked.iter().all(|(limit, _)| (1..=most).contains(limit)));
            match answer {
                Ok(rows) => {
                    prop_assert!(rows.len() >= truth.len());
                    prop_assert!(rows.windows(2).all(|w| w[0] < w[1]));
                    prop_assert!(rows.iter().all(|row| open(row) && stored.contains(*row as usize)));
                    if loses == 0 {
                        prop_assert!(truth.iter().all(|row| rows.contains(row)));
                    }
                }
                // Rows that it does not give even by name are not there.
                Err(unfilled) => prop_assert!(loses > 0 && matches!(unfilled, Unfilled::Lost { .. }), "{unfilled:?}"),
            }
        }

        /// Where an engine compares as many as a list names one by one, nothing is ever lost.
        #[test]
        fn the_last_resort_always_fills(seed: u64, count in 1_usize..900, k in 1_usize..200, modulus in 1_usize..40) {
            let stored = RowSet::new(count, |_| true);
            let allowed = RowSet::new(count, |row| row % modulus == 0);
            let mut engine = Engine { ranking: shuffled(seed, count), loses: 10, sure: 200, asked: Vec::new() };
            // Lists are no longer than the largest limit.
            let rows = fill(k, &stored, Some(&allowed), 200, |limit, filter| engine.ask(limit, filter)).unwrap();
            prop_assert!(rows.len() >= k.min(allowed.count()));
        }

        #[test]
        fn an_expression_holds_numbers_alone(rows in prop::collection::vec(any::<u32>(), 0..20)) {
            for filter in [Filter::In(rows.clone()), Filter::NotIn(rows)] {
                let expression = filter.expression("row");
                let list = expression.split_once('[').unwrap().1.strip_suffix(']').unwrap();
                prop_assert!(list.bytes().all(|byte| byte.is_ascii_digit() || byte == b','));
            }
        }
    }

    #[test]
    fn expressions() {
        assert_eq!(Filter::All.expression("row"), "");
        assert_eq!(Filter::In(vec![3, 1]).expression("row"), "row in [3,1]");
        assert_eq!(Filter::NotIn(vec![7]).expression("row"), "row not in [7]");
    }

    #[test]
    fn usually_it_is_asked_once_and_without_a_list() {
        let mut engine = Engine {
            ranking: shuffled(1, 10_000),
            loses: 0,
            sure: 0,
            asked: Vec::new(),
        };
        let stored = RowSet::new(10_000, |_| true);
        for allowed in [
            None,
            Some(RowSet::new(10_000, |row| row % 50 != 0)),
            Some(RowSet::new(10_000, |row| row % 4 == 0)),
        ] {
            engine.asked.clear();
            fill(500, &stored, allowed.as_ref(), 16_384, |limit, filter| {
                engine.ask(limit, filter)
            })
            .unwrap();
            assert!(matches!(engine.asked[..], [(500..=2600, 0)]), "{:?}", engine.asked);
        }
    }

    #[test]
    fn an_engine_that_fails_is_asked_no_more() {
        let mut asked = 0;
        let stored = RowSet::new(10, |_| true);
        let answer = fill(3, &stored, None, 100, |_, _| {
            asked += 1;
            Err("away")
        });
        assert_eq!((answer, asked), (Err(Unfilled::Engine("away")), 1));
    }
}
