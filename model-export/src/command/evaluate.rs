//! `upnext-export evaluate`: figures of a bundle on the test window.

use std::fs;
use std::path::{Path, PathBuf};

use upnext_core::head::{Head, HeadWeights};
use upnext_export::Error;
use upnext_export::ablate::Ablation;
use upnext_export::bundle::Bundle;
use upnext_export::evaluate::{EvaluateConfig, evaluate, page};
use upnext_export::off_policy::{LogKind, OffPolicyConfig};

use super::data::DataArgs;
use super::json;

/// Users whose slates show on the page what the diversity dial does.
const DIAL_USERS: usize = 400;

/// Measure popularity, CF, the towers and the whole device path on the test window
///
/// Impressions are scored as of the moment at which they were shown; slates are made as of the start of
/// the window, out of the whole catalogue, by the functions that the device runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export evaluate --data data --bundle bundle --json report.json --html report.html
  upnext-export evaluate --data data --bundle bundle --users 1000 --diversity 0
  upnext-export evaluate --data data --bundle bundle --head-weights liked=0.5,finished=0.25
  upnext-export evaluate --data data --bundle bundle --weightings liked=1 --weightings relevant=0,watched=1
  upnext-export evaluate --data data --bundle bundle --off-policy propensities --clip-weights 100
  upnext-export evaluate --data data --bundle bundle --html report.html --ablation ablation/ablation.json
  upnext-export evaluate --data random --bundle bundle --off-policy uniform")]
pub struct Evaluate {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root (with current.json), or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// Write the whole report here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as one page with plots here
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Slates of at most this many users, evenly spaced; impressions are always all
    #[arg(long, default_value_t = 5000)]
    users: usize,
    /// Diversity dial of the device's slates, 0..=1
    #[arg(long, default_value_t = 0.3)]
    diversity: f32,
    /// What the device's slates are ordered for, 0 to 1 each; default: as the bundle weighs its heads
    #[arg(long, value_delimiter = ',', value_parser = weight, value_name = "HEAD=WEIGHT,…")]
    head_weights: Vec<(Head, f32)>,
    /// Tell what slates with these weights of the heads earn beside those of the bundle's own: relevant, played, finished, liked,
    /// seconds watched. Once for each weighting; what it leaves out weighs as in the bundle
    #[arg(long, value_parser = weighting, value_name = "HEAD=WEIGHT,…")]
    weightings: Vec<HeadWeights>,
    /// Estimate what the models would have earned as policies: click-through, completed videos, watch time,
    /// likes and rejections, from the `propensity` of every impression, or by replay of a log that showed all alike
    #[arg(long, value_enum, value_name = "LOG")]
    off_policy: Option<LogKind>,
    /// Largest importance weight; larger ones count as this much (less variance, some bias)
    #[arg(long, value_name = "WEIGHT", requires = "off_policy")]
    clip_weights: Option<f64>,
    /// Show on the page what `upnext-export ablate` found
    #[arg(long, value_name = "FILE")]
    ablation: Option<PathBuf>,
}

/// `liked=0.5`.
fn weight(text: &str) -> Result<(Head, f32), String> {
    let (name, weight) = text.split_once('=').ok_or("expected HEAD=WEIGHT")?;
    let head = Head::ALL.into_iter().find(|head| head.as_str() == name);
    let names = || Head::ALL.map(Head::as_str).join(", ");
    let head = head.ok_or_else(|| format!("no head is called `{name}`, known are {}", names()))?;
    match weight.parse() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => Ok((head, weight)),
        _ => Err(format!("`{weight}` is no weight from 0 to 1")),
    }
}

/// `liked=0.5,finished=0.25`.
fn weighting(text: &str) -> Result<HeadWeights, String> {
    text.split(',').map(weight).collect()
}

fn read(path: &Path) -> Result<Ablation, Error> {
    let text = fs::read(path).map_err(Error::file(path))?;
    serde_json::from_slice(&text).map_err(Error::file(path))
}

impl Evaluate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let head_weights =
            (!self.head_weights.is_empty()).then(|| self.head_weights.iter().copied().collect::<HeadWeights>());
        let config = EvaluateConfig {
            users: self.users,
            diversity: self.diversity,
            head_weights,
            weightings: self.weightings,
            off_policy: self.off_policy.map(|log| OffPolicyConfig {
                log,
                clip: self.clip_weights,
            }),
            dial_users: if self.html.is_some() { DIAL_USERS } else { 0 },
        };
        let ablation = self.ablation.as_deref().map(read).transpose()?;
        let mut report = evaluate(&self.data.load()?, &bundle, &config)?;
        report.ablation = ablation;
        if let Some(path) = &self.json {
            json::save(path, &report)?;
        }
        if let Some(path) = &self.html {
            fs::write(path, page(&report)).map_err(Error::file(path))?;
        }
        print!("{}", report.table());
        Ok(())
    }
}
