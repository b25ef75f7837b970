//! `upnext-export vectors BUNDLE`

use std::path::{Path, PathBuf};

use clap::Args;
use upnext_export::Error;
use upnext_export::bundle::Bundle;
use upnext_export::vectors::{Rows, Side};

/// Write the vectors of a bundle as a NumPy array, as a FAISS index, and their ids
///
/// Row `i` of each file is the same video (of `user-factors`, account). The index is flat, for inner products; whoever
/// wants another makes it from the array. Whoever wants the server's answer asks the server: it filters, and blends sources.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  upnext-export vectors bundle --npy vectors.npy --ids ids.txt
  upnext-export vectors bundle --side item-factors --faiss factors.faiss --ids ids.txt
  upnext-export vectors bundle --side user-factors --npy users.npy
  python3 -c 'import faiss, numpy; print(faiss.read_index(\"factors.faiss\").search(numpy.load(\"users.npy\")[:1], 10))'")]
pub struct Vectors {
    /// Bundle root (with current.json), or the directory of one bundle
    bundle: PathBuf,
    /// Which vectors
    #[arg(long, value_enum, default_value_t = Side::Items)]
    side: Side,
    /// File to write the array to
    #[arg(long, value_name = "FILE", required_unless_present_any = ["faiss", "ids"])]
    npy: Option<PathBuf>,
    /// File to write the index to
    #[arg(long, value_name = "FILE")]
    faiss: Option<PathBuf>,
    /// File to write the ids to, one a line
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
}

impl Vectors {
    pub fn run(self) -> Result<(), Error> {
        let rows = Rows::of(&Bundle::open(&self.bundle)?, self.side)?;
        let write = |file: &Option<PathBuf>, bytes: &dyn Fn() -> Vec<u8>| -> Result<(), Error> {
            let Some(file) = file else { return Ok(()) };
            save(file, &bytes())?;
            println!("{}: {} rows of {}", file.display(), rows.ids.len(), rows.dim);
            Ok(())
        };
        write(&self.npy, &|| rows.to_npy())?;
        write(&self.faiss, &|| rows.to_faiss())?;
        write(&self.ids, &|| {
            (rows.ids.iter())
                .flat_map(|id| [id.as_bytes(), b"\n"].concat())
                .collect()
        })
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(Error::file(path))
}
