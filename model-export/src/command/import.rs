//! `import`: a public log in its original files becomes tables.

use std::path::PathBuf;

use super::data::OutArgs;
use upnext_export::Error;
use upnext_export::import::{Imported, kuairand, movielens};
use upnext_export::table::summary;

/// Import a public log in its original file formats
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    upnext-export import kuairand ../shared/data/kuairand-pure --out target/data/kuairand\n  \
    upnext-export import movielens ml-1m --out target/data/ml-1m --format csv\n  \
    upnext-export import movielens ../shared/data/movielens-latest-small --imdb ../shared/data/imdb-5000 --out target/data/films")]
pub struct Import {
    /// Which log
    #[arg(value_enum)]
    source: Source,
    /// Directory with its files
    #[arg(value_name = "DIR")]
    source_dir: PathBuf,
    /// Join films to the movie_metadata.csv of this directory (IMDB 5000) by IMDb id: language, rating, keywords, length
    #[arg(long, value_name = "DIR")]
    imdb: Option<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Source {
    /// KuaiRand-Pure: short videos with watch time
    Kuairand,
    /// MovieLens latest-small, 100K or 1M: films with ratings
    Movielens,
}

impl Import {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let Imported { data, counts } = match self.source {
            Source::Kuairand if self.imdb.is_some() => {
                return Err(Error::ConfigInvalid {
                    option: "--imdb".to_owned(),
                    reason: "joins the films of MovieLens; KuaiRand has none".to_owned(),
                });
            }
            Source::Kuairand => kuairand::import(&self.source_dir)?,
            Source::Movielens => movielens::import(&self.source_dir, self.imdb.as_deref())?,
        };
        self.out.write(&data)?;
        for line in counts {
            println!("{line}");
        }
        print!("{}", summary(&data));
        Ok(())
    }
}
