//! What bundles are searched with: an embedded index of their own, or an engine that several servers share.

use std::path::PathBuf;
use std::time::Duration;

use upnext_core::Error;

use super::{Index, IndexKind};
use crate::column::Column;
use crate::error::StartError;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// An index in this process.
    Embedded(IndexKind),
    /// Milvus, in processes of its own.
    Milvus(EngineOptions),
}

impl Default for Search {
    fn default() -> Search {
        Search::Embedded(IndexKind::Auto)
    }
}

/// How an engine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// Address, as `http://127.0.0.1:19530`; TLS is a proxy's.
    pub url: String,
    /// File with `user:password` or a token, where the engine asks for one.
    pub token_file: Option<PathBuf>,
    /// Time that one search may take; what takes longer is answered without.
    pub timeout: Duration,
    /// Rows up to which all are compared one by one; more lie in a graph, which finds most of the best.
    pub exact_rows: usize,
}

/// Whether an index can be searched now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    #[default]
    Ready,
    /// It could, and cannot for a while: answers come without what it finds.
    Away {
        /// what the engine said, or that it said nothing
        reason: String,
    },
    /// It could never yet: the engine was not reached, or does not have all rows.
    Waiting {
        /// what is waited for
        reason: String,
    },
}

impl Readiness {
    /// That of both together: the one of which less can be expected.
    #[must_use]
    pub fn and(self, other: Readiness) -> Readiness {
        let rank = |readiness: &Readiness| match readiness {
            Readiness::Ready => 0,
            Readiness::Away { .. } => 1,
            Readiness::Waiting { .. } => 2,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// Makes the indices of bundles.
#[derive(Debug, Clone)]
pub enum Searcher {
    /// Embedded ones of a kind.
    Embedded(IndexKind),
    /// Those of an engine.
    #[cfg(feature = "milvus")]
    Milvus(std::sync::Arc<super::milvus::Engine>),
}

impl Default for Searcher {
    fn default() -> Searcher {
        Searcher::Embedded(IndexKind::Auto)
    }
}

impl From<IndexKind> for Searcher {
    fn from(kind: IndexKind) -> Searcher {
        Searcher::Embedded(kind)
    }
}

/// Rows of one side of a bundle: `rows × dim` values, with their int8 levels and scales.
#[derive(Debug)]
pub struct SideRows<'a> {
    /// Width.
    pub dim: usize,
    /// `rows × dim` levels.
    pub levels: &'a [i8],
    /// Step of each row.
    pub scales: &'a [f32],
    /// `rows × dim` values.
    pub exact: Column<f32>,
}

impl Searcher {
    /// What was asked for. An engine is not waited for: it is reached, or reached again, in the background.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for an engine that this program was built without, an address that is none, or a token
    /// that cannot be read.
    pub fn new(search: &Search) -> Result<Searcher, StartError> {
        match search {
            Search::Embedded(kind) => Ok(Searcher::Embedded(*kind)),
            #[cfg(feature = "milvus")]
            Search::Milvus(options) => super::milvus::Engine::new(options).map(Searcher::Milvus),
            #[cfg(not(feature = "milvus"))]
            Search::Milvus(_) => Err(StartError::ConfigInvalid {
                option: "--index milvus",
                reason: "this upnext-server was built without the feature `milvus`; build it with \
                         `cargo build --release --workspace --features upnext-server/milvus`"
                    .to_owned(),
            }),
        }
    }

    /// Indices over item vectors and item factors of a bundle. One of an engine may not be [ready](Index::readiness) yet.
    ///
    /// # Errors
    /// Those of [`Index::new`].
    pub fn indices(&self, bundle: &str, vectors: SideRows<'_>, factors: SideRows<'_>) -> Result<(Index, Index), Error> {
        match self {
            Searcher::Embedded(kind) => {
                let index = |rows: SideRows<'_>| Index::new(*kind, rows.dim, rows.levels, rows.scales, rows.exact);
                // Only an engine tells bundles apart.
                let _ = bundle;
                // Where one is bound to one processor the other may have the rest.
                let (vectors, factors) = rayon::join(|| index(vectors), || index(factors));
                Ok((vectors?, factors?))
            }
            #[cfg(feature = "milvus")]
            Searcher::Milvus(engine) => {
                use super::collections::Side;
                use super::milvus::MilvusIndex;
                let index = |side, rows: SideRows<'_>| {
                    MilvusIndex::new(engine, super::collections::name(bundle, side), rows.dim, rows.exact)
                        .map(|index| Index::Milvus(Box::new(index)))
                };
                Ok((index(Side::Vectors, vectors)?, index(Side::Factors, factors)?))
            }
        }
    }

    /// Whether searching is mostly waiting for somebody else, and not this machine's work.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        match self {
            Searcher::Embedded(_) => false,
            #[cfg(feature = "milvus")]
            Searcher::Milvus(_) => true,
        }
    }

    /// These bundles are served from now on: what an engine holds of older ones than the one before can go.
    pub fn serves(&self, bundles: Vec<String>) {
        match self {
            Searcher::Embedded(_) => drop(bundles),
            #[cfg(feature = "milvus")]
            Searcher::Milvus(engine) => engine.serves(bundles),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_two_the_one_counts_of_which_less_can_be_expected() {
        let away = || Readiness::Away { reason: "a".to_owned() };
        let waiting = || Readiness::Waiting { reason: "w".to_owned() };
        assert_eq!(Readiness::Ready.and(away()), away());
        assert_eq!(away().and(Readiness::Ready), away());
        assert_eq!(away().and(waiting()), waiting());
        assert_eq!(waiting().and(away()), waiting());
    }

    /// Whoever asks for an engine that was not built in is told how to get it.
    #[cfg(not(feature = "milvus"))]
    #[test]
    fn without_the_feature_the_error_names_it() {
        let options = EngineOptions {
            url: "http://127.0.0.1:19530".to_owned(),
            token_file: None,
            timeout: Duration::from_secs(1),
            exact_rows: 1,
        };
        let error = Searcher::new(&Search::Milvus(options)).unwrap_err();
        assert_eq!(error.code(), upnext_core::Code::ConfigInvalid);
        assert!(error.to_string().contains("--features upnext-server/milvus"), "{error}");
    }
}
