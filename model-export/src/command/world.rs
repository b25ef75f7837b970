//! `world`: the people of a simulated data set come, and do what they do with what they are shown.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::simulate::Audience;
use upnext_export::simulate::question::Question;
use upnext_export::table::Meta;

/// Answer for the people of a simulated data set, whoever serves them: JSON lines in, JSON lines out
///
/// The questions: the `window` of the world; its `viewers`; `videos` and `visits` of a window; the `past` of a viewer; what is done with the videos that are
/// `shown` at a visit; the `gini` coefficient of exposures. What somebody does follows from the world's seed, the visit and the
/// video. The closed loop (`npm run loop`) asks them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export simulate --out base --days 56 --until-day 28
  echo '{\"ask\": \"viewers\"}' | upnext-export world --data base
  echo '{\"ask\": \"visits\", \"from\": 1743984000000, \"until\": 1744588800000}' | upnext-export world --data base
  echo '{\"ask\": \"shown\", \"visit\": 7, \"videos\": [\"v000001\", \"v000002\"]}' | upnext-export world --data base")]
pub struct WorldArgs {
    /// A data set of `upnext-export simulate`: its dataset.json says what world it is of
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
}

impl WorldArgs {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let path = self.data.join("dataset.json");
        let text = std::fs::read(&path).map_err(Error::file(&path))?;
        let meta: Meta = serde_json::from_slice(&text).map_err(Error::file(&path))?;
        let options = meta.world.ok_or_else(|| Error::ConfigInvalid {
            option: "--data".to_owned(),
            reason: format!("{} names no world; `upnext-export simulate` makes one", path.display()),
        })?;
        let audience = Audience::new(&options)?;
        let stream = PathBuf::from("standard input");
        let mut out = std::io::stdout().lock();
        for (at, line) in std::io::stdin().lock().lines().enumerate() {
            let line = line.map_err(Error::file(&stream))?;
            let malformed = |reason: String| Error::LineMalformed {
                path: stream.clone(),
                line: at + 1,
                reason,
            };
            let question: Question = serde_json::from_str(&line).map_err(|error| malformed(error.to_string()))?;
            let answer = audience.answer(&question).ok_or_else(|| {
                malformed("it names a viewer, a visit or a video that is not there, or not published yet".to_owned())
            })?;
            serde_json::to_writer(&mut out, &answer).map_err(Error::file(&stream))?;
            out.write_all(b"\n")
                .and_then(|()| out.flush())
                .map_err(Error::file(&stream))?;
        }
        Ok(())
    }
}
