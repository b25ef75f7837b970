//! `upnext-export enlarge BUNDLE --videos N`

use std::path::PathBuf;

use clap::Args;
use upnext_export::Error;
use upnext_export::bundle::{Bundle, Enlarged, enlarge};

/// Make a bundle with many videos out of one, for load tests
///
/// Copies of the videos, each near its original, with the same words and figures. It tells how long a server takes and how
/// much it holds at a size; what it recommends means nothing. `npm run bench:load` makes its bundle so.
#[derive(Debug, Args)]
#[command(
    name = "enlarge",
    after_help = "Example:
  upnext-export enlarge bundle --videos 1000000 --out large"
)]
pub struct Enlarge {
    /// Bundle root (with current.json), or the directory of one bundle
    bundle: PathBuf,
    /// Videos that the new bundle shall have
    #[arg(long, value_name = "N")]
    videos: usize,
    /// Bundle root to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Distance of a copy's vector and factor from its original's, over their length
    #[arg(long, value_name = "SHARE", default_value_t = 0.6)]
    noise: f32,
    /// Seed of the distances' directions
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Enlarge {
    pub fn run(self) -> Result<(), Error> {
        let wanted = Enlarged {
            videos: self.videos,
            noise: self.noise,
            seed: self.seed,
        };
        let id = enlarge(&Bundle::open(&self.bundle)?, wanted, &self.out)?;
        println!("{}: bundle {id}, {} videos", self.out.display(), self.videos);
        Ok(())
    }
}
