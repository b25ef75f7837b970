//! A split: who found what relevant in train, and the cases of test.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::read::{FileFormat, Text};
use crate::Error;
use crate::factors::Ones;

/// Where a split lies, and how it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Sources {
    /// Interactions to learn from.
    pub train: PathBuf,
    /// Interactions to find.
    pub test: PathBuf,
    /// Items that each of them is ranked against.
    pub negatives: Option<PathBuf>,
    /// Draw that many instead.
    pub sample: Option<usize>,
    /// Format of train and test; what they look like where it is not given.
    pub format: Option<FileFormat>,
    /// Interactions rated lower are left out.
    pub min_rating: Option<f32>,
    /// A rating is the confidence of its interaction.
    pub rating_is_confidence: bool,
    /// Seed of what is drawn.
    pub seed: u64,
}

/// What a test item is ranked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The whole catalogue but the user's train items.
    Full,
    /// Some items, given or drawn.
    Sampled,
}

/// Somebody's ranking to be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Whose.
    pub user: u32,
    /// What should be on top.
    pub relevant: Vec<u32>,
    /// What else is ranked; `None` for all but train.
    pub against: Option<Vec<u32>>,
}

/// One train interaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Row of the user.
    pub user: u32,
    /// Row of the item.
    pub item: u32,
    /// How sure it is.
    pub confidence: f32,
    /// When, where that is known.
    pub time: Option<f64>,
}

/// A split, by row numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Number of users.
    pub users: usize,
    /// Number of items, of train, test and negatives.
    pub items: usize,
    /// Train, in the order of the file.
    pub events: Vec<Event>,
    /// Train as a matrix.
    pub train: Ones,
    /// Test.
    pub cases: Vec<Case>,
    /// What cases are ranked against.
    pub protocol: Protocol,
    /// Test interactions that are in train too, and so are left out.
    pub known: usize,
}

impl Data {
    /// Relevant items of all cases.
    #[must_use]
    pub fn test_len(&self) -> usize {
        self.cases.iter().map(|case| case.relevant.len()).sum()
    }
}

/// Row numbers in the order of first appearance.
#[derive(Debug, Default)]
struct Names(HashMap<String, u32>);

impl Names {
    fn row(&mut self, name: &str) -> u32 {
        match self.0.get(name) {
            Some(row) => *row,
            None => {
                let row = self.0.len() as u32;
                self.0.insert(name.to_owned(), row);
                row
            }
        }
    }
}

/// Reads a split.
///
/// # Errors
/// [`Error::File`], [`Error::LineMalformed`], [`Error::TableEmpty`], [`Error::ConfigInvalid`].
pub fn load(sources: &Sources) -> Result<Data, Error> {
    let (train, test) = (Text::read(&sources.train)?, Text::read(&sources.test)?);
    let looks = train.format();
    let format = sources.format.or(looks).unwrap_or(FileFormat::Rows);
    // Files of one split are of one format: a test file that could be either follows train.
    let test_format = match sources.format {
        Some(format) => format,
        None => match (test.format(), format) {
            (Some(FileFormat::Lists), FileFormat::Rows) if looks.is_none() => {
                return Err(Error::ConfigInvalid {
                    option: "--format".to_owned(),
                    reason: "train can be rows or lists, test is lists; say which".to_owned(),
                });
            }
            (Some(looks), _) => looks,
            (None, format) => format,
        },
    };
    let (mut users, mut items) = (Names::default(), Names::default());
    let mut events = Vec::new();
    train.records(format, |r| {
        if r.rating
            .zip(sources.min_rating)
            .is_none_or(|(rating, least)| rating >= least)
        {
            let confidence = r.rating.filter(|_| sources.rating_is_confidence).unwrap_or(1.0);
            if confidence <= 0.0 {
                return Err(train.error(r.line, "a rating that is to be a confidence must be above 0"));
            }
            let (user, item) = (users.row(r.user), items.row(r.item));
            events.push(Event {
                user,
                item,
                confidence,
                time: r.time,
            });
        }
        Ok(())
    })?;
    let mut pairs = Vec::new();
    test.records(test_format, |r| {
        if r.rating
            .zip(sources.min_rating)
            .is_none_or(|(rating, least)| rating >= least)
        {
            pairs.push((users.row(r.user), items.row(r.item)));
        }
        Ok(())
    })?;
    let mut given = Vec::new();
    if let Some(path) = &sources.negatives {
        given = read_negatives(path, &pairs, &mut users, &mut items)?;
    }
    for (path, count) in [(&sources.train, events.len()), (&sources.test, pairs.len())] {
        if count == 0 {
            return Err(Error::TableEmpty {
                path: path.clone(),
                table: "interactions",
            });
        }
    }
    let (users, items) = (users.0.len(), items.0.len());
    let train = Ones::from_weighted(users, items, events.iter().map(|e| (e.user, e.item, e.confidence)));
    let before = pairs.len();
    pairs.retain(|(user, item)| train.row(*user as usize).binary_search(item).is_err());
    let known = before - pairs.len();
    let test = Ones::from_pairs(users, items, pairs.iter().copied());
    let cases = if sources.negatives.is_some() {
        given
    } else {
        cases(&train, &test, sources.sample, sources.seed)
    };
    if cases.is_empty() {
        return Err(Error::TableEmpty {
            path: sources.test.clone(),
            table: "interactions",
        });
    }
    let sampled = sources.negatives.is_some() || sources.sample.is_some();
    Ok(Data {
        users,
        items,
        events,
        train,
        cases,
        protocol: if sampled { Protocol::Sampled } else { Protocol::Full },
        known,
    })
}

/// Cases of a file of negatives; each must be an interaction of test.
fn read_negatives(path: &Path, test: &[(u32, u32)], users: &mut Names, items: &mut Names) -> Result<Vec<Case>, Error> {
    let text = Text::read(path)?;
    let test: std::collections::HashSet<&(u32, u32)> = test.iter().collect();
    let mut cases = Vec::new();
    text.negatives(|line, user, item, against| {
        let (user, item) = (users.row(user), items.row(item));
        if !test.contains(&(user, item)) {
            return Err(text.error(line, "this user and item are not in the test file"));
        }
        let mut against: Vec<u32> = against.iter().map(|name| items.row(name)).collect();
        against.sort_unstable();
        against.dedup();
        cases.push(Case {
            user,
            relevant: vec![item],
            against: Some(against),
        });
        Ok(())
    })?;
    match cases.is_empty() {
        true => Err(Error::TableEmpty {
            path: path.to_path_buf(),
            table: "interactions",
        }),
        false => Ok(cases),
    }
}

/// Cases of test items: one for each user, or with `sample` one for each item, against that many items which the user has
/// neither in train nor in test.
pub(crate) fn cases(train: &Ones, test: &Ones, sample: Option<usize>, seed: u64) -> Vec<Case> {
    let tested = (0..test.rows()).filter(|user| !test.row(*user).is_empty());
    let Some(sample) = sample else {
        return tested
            .map(|user| Case {
                user: user as u32,
                relevant: test.row(user).to_vec(),
                against: None,
            })
            .collect();
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = |user: usize, item: u32| {
        let taken = train.row(user).len() + test.row(user).len();
        let wanted = sample.min(train.columns() - taken);
        let mut against = std::collections::BTreeSet::new();
        while against.len() < wanted {
            let other = rng.random_range(0..train.columns() as u32);
            if [train, test]
                .iter()
                .all(|ones| ones.row(user).binary_search(&other).is_err())
            {
                against.insert(other);
            }
        }
        Case {
            user: user as u32,
            relevant: vec![item],
            against: Some(against.into_iter().collect()),
        }
    };
    tested
        .flat_map(|user| test.row(user).iter().map(move |item| (user, *item)))
        .map(|(u, i)| drawn(u, i))
        .collect()
}
