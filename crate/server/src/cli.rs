//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand};
use upnext_core::block::MAX_CANDIDATES;

use crate::admin::AdminKey;
use crate::app::Settings;
use crate::edition::Audience;
use crate::error::StartError;
use crate::experiment::{Arm, Experiment};
use crate::file_bytes::MAP_FROM;
use crate::route::online::{DAYS, MOST_DAYS};
use crate::token::TokenKey;
use crate::vector_index::{EngineOptions, IndexKind, Search};

/// Environment variable with the secret, where no file is given.
pub const SECRET_VARIABLE: &str = "UPNEXT_TOKEN_SECRET";

/// Environment variable with the admin key, where no file is given.
pub const ADMIN_KEY_VARIABLE: &str = "UPNEXT_ADMIN_KEY";

const EXAMPLES: &str = "\
Examples:
  upnext-server --bundle bundle
      public shelves only, on 127.0.0.1:8787
  upnext-server --bundle bundle --listen 0.0.0.0:8787 --token-secret-file secret --cors-origin https://video.example
      accounts too, read by pages of one origin
  upnext-server --bundle bundle --token-public-key-file login.pem
      accounts by tokens that your own login signs with EdDSA
  upnext-server --bundle bundle --data data --token-secret-file secret --admin-key-file admin
      keeps events and changes of videos in data/upnext.sqlite
  upnext-server export-events --data data --bundle bundle --out tables
      what was kept, as the tables that `upnext-export train --data tables` starts from
  upnext-server online --data data --bundle bundle --html online.html
      click-through rate, completed videos, watch time and feedback of the last four weeks
  upnext-server --bundle bundle --data data --token-secret-file secret --experiment may --arm control=1 --arm bold=1,fresh=0.1
      half of the accounts get twice as many fresh videos; their blocks name the arm
  upnext-server --bundle bundle --index milvus --milvus-url http://milvus:19530
      searches in Milvus, which several servers share; of a build with --features upnext-server/milvus
  upnext-server --bundle bundle --shadow next
      scores one request in ten with the bundle of next too; answers stay as they are
  upnext-server shadow --bundle bundle --next next
      what the bundle of next would change
  upnext-server rollback --bundle bundle
      goes back to the bundle before; a running server follows within a second
  upnext-server token --account u42 --ttl-hours 24 --token-secret-file secret
      prints a token for an account

  curl -H 'Accept: application/json' 'http://127.0.0.1:8787/v1/candidates?languages=de,en&size=20'
  curl -H \"Authorization: Bearer $TOKEN\" -o block.pb 'http://127.0.0.1:8787/v1/candidates'
  curl -H \"Authorization: Bearer $TOKEN\" --json '{\"events\": [{\"id\": \"e1\", \"type\": \"watch\", \"video_id\": \"v7\",
      \"seconds\": 31.5, \"timestamp\": 1790000000000, \"surface\": \"up-next\"}]}' http://127.0.0.1:8787/v1/events
  curl http://127.0.0.1:8787/healthz

Secret and admin key may stand in the environment, as UPNEXT_TOKEN_SECRET and UPNEXT_ADMIN_KEY, instead of a file.
RUST_LOG sets what is logged (default: info); no account, token, query or address ever is.";

/// Candidate server of upnext: prunes the catalogue to some hundred videos.
#[derive(Debug, Parser)]
#[command(name = "upnext-server", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Another job than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of serving.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Other jobs than serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a signed token for an account.
    Token(TokenArgs),
    /// Write what was kept as tables for training.
    ExportEvents(ExportArgs),
    /// Count what viewers made of what they were shown.
    Online(OnlineArgs),
    /// Compare what another bundle would offer with what is offered now.
    Shadow(ShadowArgs),
    /// Go back to the bundle before; a running server follows within a second.
    Rollback(RollbackArgs),
}

/// Options of serving.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Bundle root: the directory with current.json
    #[arg(long, value_name = "DIR", required = true)]
    pub bundle: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Directory for events and changes of videos; without it nothing is kept
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Days after which events are deleted; without it they stay until their account is erased
    #[arg(long, value_name = "DAYS")]
    pub keep_days: Option<u32>,
    /// File with the key of those who may write for everybody, at least 32 bytes
    #[arg(long, value_name = "FILE")]
    pub admin_key_file: Option<PathBuf>,
    /// File with the secret of account tokens, at least 32 bytes
    #[arg(long, value_name = "FILE")]
    pub token_secret_file: Option<PathBuf>,
    /// File with the Ed25519 public key of account tokens (PEM or JWK), where your own login signs them
    #[arg(long, value_name = "FILE", conflicts_with = "token_secret_file")]
    pub token_public_key_file: Option<PathBuf>,
    /// Origin of a page that may read answers, or *; may be repeated
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,
    /// Region (ISO 3166) to serve: of videos that say where they may be shown, those of this one
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Age in years of whom this server serves: of videos whose rating asks for an age, those that it allows
    #[arg(long, value_name = "YEARS")]
    pub audience_age: Option<f32>,
    /// Arm of an experiment: NAME=WEIGHT[,bundle=ID][,neighbours|near|fresh|popular=OWN[..MOST]]; may be repeated
    #[arg(long = "arm", value_name = "ARM")]
    pub arms: Vec<String>,
    /// Name of the experiment; another name divides the accounts anew
    #[arg(long, value_name = "NAME", default_value = "experiment")]
    pub experiment: String,
    /// Bundle root whose current bundle is scored beside, for upnext_shadow_*; it answers nobody
    #[arg(long, value_name = "DIR")]
    pub shadow: Option<PathBuf>,
    /// Of this many requests for candidates one is scored with the shadow's bundle too; 0: none
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub shadow_every: u64,
    /// Candidates in a block when a request names no size
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub pool: usize,
    /// Longest life of a block
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub block_seconds: u32,
    /// Time that one request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub request_seconds: u32,
    /// Requests of one account in a second, in the long run
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub account_rate: u32,
    /// Requests of one account at once
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub account_burst: u32,
    /// Requests that are answered at once; more get 503
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_in_flight: usize,
    /// Of this many requests of accounts one is searched again by hand, for upnext_recall_*; 0: none
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub recall_every: u64,
    /// How the nearest videos are searched
    #[arg(long, value_name = "KIND", default_value_t = IndexOption::Auto, value_enum)]
    pub index: IndexOption,
    /// Read bundles whole: do not map their large files, as where they lie on a network that may be lost
    #[arg(long)]
    pub no_map: bool,
    /// Address of Milvus, for --index milvus
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:19530")]
    pub milvus_url: String,
    /// File with user:password or a token, where Milvus asks for one
    #[arg(long, value_name = "FILE")]
    pub milvus_token_file: Option<PathBuf>,
    /// Time that one search may take in Milvus; what takes longer is answered without
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub milvus_timeout_ms: u32,
    /// Videos up to which Milvus compares all one by one; more lie in a graph, which finds most of the best
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub milvus_exact_rows: usize,
    /// Time after SIGTERM in which /readyz says no and everything is still answered
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub drain_seconds: u32,
    /// Time for requests in flight after SIGTERM or ctrl-c
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub grace_seconds: u32,
    /// File with the time, Unix milliseconds, read for every request instead of the machine's clock: for simulations
    #[arg(long, value_name = "FILE")]
    pub clock_file: Option<PathBuf>,
    /// Log as JSON lines
    #[arg(long)]
    pub log_json: bool,
}

/// What `--index` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IndexOption {
    /// exact up to 50,000 videos, cells beyond
    Auto,
    /// Every video is looked at, nothing is missed
    Exact,
    /// The most promising cells are looked at
    Cells,
    /// Milvus is asked, which several servers share (a build with the feature `milvus`)
    Milvus,
}

/// Options of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Account id, as in the users table
    #[arg(long, value_name = "ID")]
    pub account: String,
    /// Hours until it ends
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub ttl_hours: u32,
    /// File with the server's secret
    #[arg(long, value_name = "FILE")]
    pub token_secret_file: Option<PathBuf>,
}

/// Options of `online`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  upnext-server online --data data --bundle bundle
      a table: means over impressions with 95 % intervals, in all and by surface, arm, bundle and language
  upnext-server online --data data --bundle bundle --days 7 --html online.html --json online.json
      the last week as a page to look at, and as JSON
An impression counts six hours after it was made. Arms are those that events name; they are held against the one called
control. docs/online.md says what each metric means. A running server answers GET /v1/metrics/online with the same.")]
pub struct OnlineArgs {
    /// Data directory of the server; it may be running
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Bundle root, for lengths, languages and vectors of videos
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// How many days
    #[arg(long, value_name = "N", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    pub days: u32,
    /// File to write the figures to as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// File to write a page to
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Options of `shadow`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  upnext-server shadow --bundle bundle --next next
      a table over accounts of the bundle: how much of the first 10, 50 and all candidates stays, rank-biased overlap, share of
      new candidates, and how long both take
  upnext-server shadow --bundle bundle --next next --data data --accounts 1000 --json shadow.json
      over accounts of a running server too, with what they did
A running server compares a sample of its own requests the same way: --shadow next, and upnext_shadow_* in /metrics.
docs/server.md says what each figure means.")]
pub struct ShadowArgs {
    /// Root of the bundle that serves
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Root of the other bundle
    #[arg(long, value_name = "DIR")]
    pub next: PathBuf,
    /// Data directory of the server; it may be running
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Most accounts
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub accounts: usize,
    /// Candidates of each
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = size)]
    pub size: usize,
    /// BCP 47 tags, comma-separated
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub languages: Vec<String>,
    /// File to write the figures to as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

fn size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (1..=MAX_CANDIDATES).contains(size));
    size.ok_or_else(|| format!("is not 1 to {MAX_CANDIDATES}"))
}

/// Options of `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  upnext-server rollback --bundle bundle
      to the bundle that was written before the current one
  upnext-server rollback --bundle bundle --to 3f0c…
      to this one; it is verified before anything changes")]
pub struct RollbackArgs {
    /// Bundle root: the directory with current.json
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Id of the bundle; without it the one that was written before the current one
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
}

/// Options of `export-events`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  upnext-server export-events --data data --bundle bundle --out tables
      events alone: the videos are those of the current bundle, the users all who did something
  upnext-server export-events --data data --bundle bundle --base kuairand --out tables
      the data set that the bundle was trained from, and all events since
  upnext-export train --data tables --out bundle")]
pub struct ExportArgs {
    /// Data directory of the server; it may be running
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Bundle root, for the videos
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// Data set to go on from, as Parquet
    #[arg(long, value_name = "DIR")]
    pub base: Option<PathBuf>,
    /// Directory to write the tables to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The admin key from a file, else from the environment, else none.
///
/// # Errors
/// As [`AdminKey::new`] and [`AdminKey::from_file`].
pub fn admin_key(file: Option<&PathBuf>, environment: Option<&str>) -> Result<Option<AdminKey>, StartError> {
    match (file, environment) {
        (Some(file), _) => AdminKey::from_file(file).map(Some),
        (None, Some(key)) => AdminKey::new(key.trim().as_bytes()).map(Some),
        (None, None) => Ok(None),
    }
}

/// The public key of a file.
///
/// # Errors
/// [`StartError::FileUnreadable`], or as [`TokenKey::public`].
pub fn public_key(file: &PathBuf) -> Result<TokenKey, StartError> {
    let text = std::fs::read_to_string(file).map_err(|error| StartError::FileUnreadable {
        path: file.clone(),
        reason: error.to_string(),
    })?;
    TokenKey::public(&text)
}

/// The key from a file, else from the environment's secret, else none.
///
/// # Errors
/// As [`TokenKey::new`] and [`TokenKey::from_file`].
pub fn token_key(file: Option<&PathBuf>, environment: Option<&str>) -> Result<Option<TokenKey>, StartError> {
    match (file, environment) {
        (Some(file), _) => TokenKey::from_file(file).map(Some),
        (None, Some(secret)) => TokenKey::new(secret.trim().as_bytes()).map(Some),
        (None, None) => Ok(None),
    }
}

impl ServeArgs {
    /// Settings, checked.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for a value outside its range.
    pub fn settings(&self) -> Result<Settings, StartError> {
        let invalid = |option, reason: &str| StartError::ConfigInvalid {
            option,
            reason: reason.to_owned(),
        };
        if !(1..=MAX_CANDIDATES).contains(&self.pool) {
            return Err(invalid("--pool", &format!("is not in 1..={MAX_CANDIDATES}")));
        }
        if !(60..=7 * 24 * 3600).contains(&self.block_seconds) {
            return Err(invalid("--block-seconds", "is not between a minute and a week"));
        }
        if self.request_seconds == 0 {
            return Err(invalid("--request-seconds", "is 0: no request could be answered"));
        }
        let is_region =
            |region: &String| (2..=3).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric());
        if !self.region.iter().all(is_region) {
            return Err(invalid("--region", "is no region such as AT or 419"));
        }
        if self.audience_age.is_some_and(|age| !(0.0..=130.0).contains(&age)) {
            return Err(invalid("--audience-age", "is not between 0 and 130 years"));
        }
        let arms: Vec<Arm> = self
            .arms
            .iter()
            .map(|arm| Arm::parse(arm).map_err(|reason| invalid("--arm", &reason)))
            .collect::<Result<_, _>>()?;
        let experiment = match arms.is_empty() {
            true => None,
            false => Some(Experiment::new(self.experiment.clone(), arms)?),
        };
        if self.account_rate == 0 || self.account_burst == 0 || self.max_in_flight == 0 {
            return Err(invalid(
                "--account-rate, --account-burst, --max-in-flight",
                "are 0: nobody could ask",
            ));
        }
        if self.keep_days == Some(0) {
            return Err(invalid(
                "--keep-days",
                "is 0: nothing would be kept; leave --data out instead",
            ));
        }
        Ok(Settings {
            keep_days: self.keep_days,
            account_rate: self.account_rate,
            account_burst: self.account_burst,
            most_in_flight: self.max_in_flight,
            recall_every: self.recall_every,
            audience: Audience {
                region: self.region.clone(),
                age: self.audience_age,
            },
            experiment,
            shadow_every: self.shadow_every,
            map_from: if self.no_map { u64::MAX } else { MAP_FROM },
            index: match self.index {
                IndexOption::Auto => Search::Embedded(IndexKind::Auto),
                IndexOption::Exact => Search::Embedded(IndexKind::Exact),
                IndexOption::Cells => Search::Embedded(IndexKind::Cells),
                IndexOption::Milvus => Search::Milvus(EngineOptions {
                    url: self.milvus_url.clone(),
                    token_file: self.milvus_token_file.clone(),
                    timeout: Duration::from_millis(self.milvus_timeout_ms.into()),
                    exact_rows: self.milvus_exact_rows,
                }),
            },
            pool: self.pool,
            block_lifetime_ms: i64::from(self.block_seconds) * 1000,
            request_timeout: Duration::from_secs(self.request_seconds.into()),
            cors_origins: self
                .cors_origins
                .iter()
                .map(|origin| cors_origin(origin))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// `*`, or scheme and authority as a browser sends them.
fn cors_origin(text: &str) -> Result<HeaderValue, StartError> {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_origin =
        text == "*" || authority.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '@']));
    HeaderValue::from_str(text)
        .ok()
        .filter(|_| is_origin)
        .ok_or_else(|| StartError::ConfigInvalid {
            option: "--cors-origin",
            reason: "is neither * nor an origin such as https://video.example (no path, no slash at the end)"
                .to_owned(),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;
    use upnext_core::Code;

    fn settings(args: &[&str]) -> Result<Settings, StartError> {
        Cli::try_parse_from(["upnext-server", "--bundle", "b"].iter().chain(args))
            .unwrap()
            .serve
            .settings()
    }

    #[test]
    fn the_command_line_is_sound_and_help_has_examples() {
        Cli::command().debug_assert();
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("upnext-server token --account") && help.contains("--token-secret-file"));
    }

    #[test]
    fn serving_needs_a_bundle_and_printing_a_token_does_not() {
        assert!(Cli::try_parse_from(["upnext-server"]).is_err());
        let cli = Cli::try_parse_from(["upnext-server", "token", "--account", "u1"]).unwrap();
        assert!(matches!(
            cli.command,
            Some(Command::Token(TokenArgs { ttl_hours: 24, .. }))
        ));
    }

    #[test]
    fn values_outside_their_range_are_refused() {
        assert_eq!(settings(&[]).unwrap(), Settings::default());
        for args in [
            ["--pool", "0"],
            ["--pool", "4097"],
            ["--block-seconds", "5"],
            ["--request-seconds", "0"],
            ["--region", "Austria"],
            ["--audience-age", "131"],
            ["--audience-age", "NaN"],
            ["--arm", "new"],
            ["--arm", "new=0"],
            ["--account-rate", "0"],
            ["--keep-days", "0"],
            ["--max-in-flight", "0"],
            ["--cors-origin", "example.org"],
            ["--cors-origin", "https://example.org/"],
            ["--cors-origin", "https://"],
        ] {
            assert_eq!(settings(&args).unwrap_err().code(), Code::ConfigInvalid, "{args:?}");
        }
        assert_eq!(settings(&["--no-map"]).unwrap().map_from, u64::MAX);
        let cells = settings(&["--index", "cells"]).unwrap();
        assert_eq!(cells.index, Search::Embedded(IndexKind::Cells));
        let milvus = settings(&[
            "--index",
            "milvus",
            "--milvus-url",
            "http://a:1",
            "--milvus-timeout-ms",
            "50",
        ]);
        let wanted = EngineOptions {
            url: "http://a:1".to_owned(),
            token_file: None,
            timeout: Duration::from_millis(50),
            exact_rows: 1_000_000,
        };
        assert_eq!(milvus.unwrap().index, Search::Milvus(wanted));
        let open = settings(&["--cors-origin", "https://a.example", "--cors-origin", "*"]).unwrap();
        assert_eq!(open.cors_origins.len(), 2);
    }

    #[test]
    fn a_secret_comes_from_the_file_before_the_environment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n", "s".repeat(32))).unwrap();
        let path = file.path().to_path_buf();
        let signer = TokenKey::new("s".repeat(32).as_bytes()).unwrap();
        let token = signer.sign("u1", 10_000).unwrap();
        let key = token_key(Some(&path), Some("short")).unwrap().unwrap();
        assert_eq!(key.account(&token, 0).unwrap(), "u1");
        assert_eq!(token_key(None, Some("short")).unwrap_err().code(), Code::ConfigInvalid);
        assert!(token_key(None, None).unwrap().is_none());
        let missing = path.with_extension("missing");
        assert_eq!(
            token_key(Some(&missing), None).unwrap_err().code(),
            Code::FileUnreadable
        );
    }
}
