//! `upnext-export personal`: what the personal head brings, and to whom.

use std::path::PathBuf;

use upnext_core::personal::Tuning;
use upnext_export::Error;
use upnext_export::bundle::Bundle;
use upnext_export::evaluate::{Evidence, personal};

use super::data::DataArgs;
use super::json;

/// Measure the device with the personal head and without it on the test window
///
/// The same users at the same visits: P@10 of the slate at each, log loss and the users' own AUC of the window's
/// impressions, with 95 % intervals of the differences over draws of users. Of a simulated data set also the true P@10,
/// the mean chance that what is shown would be found relevant, and all of it for those who drift and for the others; and
/// what of it there was to reach: by a head of the same features that knew the taste of the moment, and by the truth.
///
/// Several values of an option, separated by commas: every combination is judged, of the same visits.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export simulate --out drift --drifting 0.3
  upnext-export train --data drift --out drift-bundle
  upnext-export personal --data drift --bundle drift-bundle --json personal.json
  upnext-export personal --data drift --bundle drift-bundle --variance 0.5,1,2 --least-gain=-0.5,0,0.5")]
pub struct PersonalArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root (with current.json), or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// At most this many users, evenly spaced
    #[arg(long, default_value_t = 5000)]
    users: usize,
    /// What a head learns from: of `all` the ranker has seen the labels
    #[arg(long, value_enum, default_value_t = Evidence::All)]
    evidence: Evidence,
    /// Prior variances of what a unit vector adds to a logit
    #[arg(long, value_delimiter = ',', default_values_t = [Tuning::CURRENT.variance])]
    variance: Vec<f32>,
    /// Days in which half of what was learnt is forgotten
    #[arg(long, value_delimiter = ',', default_values_t = [Tuning::CURRENT.half_life_days])]
    half_life: Vec<f64>,
    /// Gains over the ranker, in nats, above which the head acts
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, default_values_t = [Tuning::CURRENT.least_gain])]
    least_gain: Vec<f64>,
    /// What of that gain is left after another encounter, 0 to 1
    #[arg(long, value_delimiter = ',', default_values_t = [Tuning::CURRENT.gain_kept])]
    gain_kept: Vec<f64>,
    /// Write the reports here, a list: one for each combination
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl PersonalArgs {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let data = self.data.load()?;
        let reports = personal(&data, &bundle, self.users, self.evidence, &self.tunings()?)?;
        if let Some(path) = &self.json {
            json::save(path, &reports)?;
        }
        reports.iter().for_each(|report| print!("{}", report.table()));
        Ok(())
    }

    fn tunings(&self) -> Result<Vec<Tuning>, Error> {
        let refused = |option: &str, value: f64| Error::ConfigInvalid {
            option: option.to_owned(),
            reason: format!("{value} is out of range"),
        };
        let usable = |value: &f64| value.is_finite() && *value > 0.0;
        let mut tunings = Vec::new();
        for variance in &self.variance {
            if !usable(&f64::from(*variance)) {
                return Err(refused("--variance", f64::from(*variance)));
            }
            for half_life_days in &self.half_life {
                if !usable(half_life_days) {
                    return Err(refused("--half-life", *half_life_days));
                }
                for gain_kept in &self.gain_kept {
                    if !(0.0..=1.0).contains(gain_kept) {
                        return Err(refused("--gain-kept", *gain_kept));
                    }
                    tunings.extend(self.least_gain.iter().map(|least_gain| Tuning {
                        variance: *variance,
                        half_life_days: *half_life_days,
                        least_gain: *least_gain,
                        gain_kept: *gain_kept,
                    }));
                }
            }
        }
        Ok(tunings)
    }
}
