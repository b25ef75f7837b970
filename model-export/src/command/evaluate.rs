//! `upnext-export evaluate`: figures of a bundle on the test window.

use std::fs;
use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::bundle::Bundle;
use upnext_export::evaluate::{EvaluateConfig, MODELS, evaluate};

use super::data::DataArgs;

/// Measure popularity, CF, the towers and the whole device path on the test window
///
/// Impressions are scored as of the moment at which they were shown, slates are made at each user's
/// first test moment out of the whole catalogue, by the functions that the device runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export evaluate --data data --bundle bundle --json report.json
  upnext-export evaluate --data data --bundle bundle --users 1000 --diversity 0")]
pub struct Evaluate {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root (with current.json), or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// Write the whole report here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Slates of at most this many users, evenly spaced; impressions are always all
    #[arg(long, default_value_t = 5000)]
    users: usize,
    /// Diversity dial of the device's slates, 0..=1
    #[arg(long, default_value_t = 0.3)]
    diversity: f32,
}

impl Evaluate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let data = self.data.load()?;
        let config = EvaluateConfig {
            users: self.users,
            diversity: self.diversity,
        };
        let report = evaluate(&data, &bundle, &config)?;
        if let Some(path) = &self.json {
            let text = serde_json::to_vec_pretty(&report).map_err(Error::file(path))?;
            fs::write(path, text).map_err(Error::file(path))?;
        }
        let show = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.4}"));
        println!("{} impressions, slates of {} users", report.impressions, report.users);
        println!("model      auc     user_auc P@10    nDCG@10 mAP@10  diversity coverage");
        for model in MODELS {
            let Some(f) = report.models.get(model) else { continue };
            let at_ten = |by: &std::collections::BTreeMap<String, f64>| show(by.get("10").copied());
            println!(
                "{model:<10} {:<7} {:<8} {:<7} {:<7} {:<7} {:<9} {}",
                show(f.auc),
                show(f.user_auc),
                at_ten(&f.precision),
                at_ten(&f.ndcg),
                at_ten(&f.map),
                show(f.diversity),
                show(f.coverage)
            );
        }
        for part in report.by_length.iter().chain([&report.cold]) {
            let auc: Vec<String> = part
                .auc
                .iter()
                .map(|(model, auc)| format!("{model} {}", show(*auc)))
                .collect();
            println!(
                "{}: {} impressions, AUC {}",
                part.name,
                part.impressions,
                auc.join(", ")
            );
        }
        for (model, recall) in &report.pruning_recall {
            println!("recall@500 of pruning the catalogue by {model}: {recall:.4}");
        }
        Ok(())
    }
}
