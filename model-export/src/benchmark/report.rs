//! What a benchmark run says.

use serde::Serialize;

use super::config::Settings;
use super::data::{Data, Protocol};
use super::rank::{Figures, KS};
use super::tune::Tuned;

/// Figures of one model on one split, with all that they depend on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What learnt, and how.
    pub settings: Settings,
    /// What cases were ranked against.
    pub protocol: Protocol,
    /// Users of train and test.
    pub users: usize,
    /// Items of train, test and negatives.
    pub items: usize,
    /// Interactions of train.
    pub train: usize,
    /// Interactions of test.
    pub test: usize,
    /// Rankings that the figures are means over.
    pub cases: usize,
    /// Test interactions that were left out, as train has them.
    pub test_known_from_train: usize,
    /// Means over cases.
    pub metrics: Figures,
    /// The whole loss at the end, of a factorisation.
    pub loss: Option<f64>,
    /// Seconds of each sweep.
    pub sweep_seconds: Vec<f64>,
    /// Seconds of training as a whole.
    pub train_seconds: f64,
    /// Seconds of ranking.
    pub rank_seconds: f64,
    /// How settings were chosen, where they were.
    pub tuned: Option<Tuned>,
}

impl Report {
    /// Without figures yet.
    #[must_use]
    pub fn of(data: &Data, settings: Settings, metrics: Figures) -> Report {
        Report {
            settings,
            protocol: data.protocol,
            users: data.users,
            items: data.items,
            train: data.train.len(),
            test: data.test_len(),
            cases: data.cases.len(),
            test_known_from_train: data.known,
            metrics,
            loss: None,
            sweep_seconds: Vec::new(),
            train_seconds: 0.0,
            rank_seconds: 0.0,
            tuned: None,
        }
    }

    /// The figures as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Full => "against the whole catalogue",
            Protocol::Sampled => "against some items",
        };
        let mut text = format!(
            "{} users, {} items, {} in train, {} in test, {} rankings {protocol}\n\n",
            self.users, self.items, self.train, self.test, self.cases
        );
        let names = ["hr", "ndcg", "recall", "precision", "map", "mrr"];
        text.push_str(&format!("{:>5}", "k"));
        names.iter().for_each(|name| text.push_str(&format!("{name:>11}")));
        text.push('\n');
        for k in KS {
            text.push_str(&format!("{k:>5}"));
            for name in names {
                text.push_str(&format!("{:>11.4}", self.metrics.get(&format!("{name}@{k}"))));
            }
            text.push('\n');
        }
        text.push_str(&format!(
            "\ntrained in {:.1} s, ranked in {:.1} s\n",
            self.train_seconds, self.rank_seconds
        ));
        text
    }
}
