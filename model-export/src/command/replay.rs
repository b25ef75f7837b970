//! `upnext-export replay RECEIPT`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use upnext_core::block::Block;
use upnext_core::pipeline::Item;
use upnext_export::Error;
use upnext_export::replay::{Receipt, Replayed};

/// Make a device's slate again from its receipt, and say so where it comes out otherwise
///
/// A viewer, or whoever tests a site, gets a receipt by `await upnext.receipt()` in the browser: JSON of everything the
/// last slate was made of. It holds their profile and history, so it is theirs to hand over. The slate that comes out
/// here must be that of the browser, id by id; the first difference is an error with the code `receipt-mismatch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export replay receipt.json --bundle bundle
  upnext-export replay - --bundle bundle --dropped < receipt.json")]
pub struct Replay {
    /// File of the receipt; `-` is standard input
    receipt: PathBuf,
    /// Bundle root (with current.json), which may hold newer bundles too, or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// List the candidates that were dropped too, each with its reason
    #[arg(long)]
    dropped: bool,
}

impl Replay {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let receipt = Receipt::parse(&read(&self.receipt)?, &self.receipt)?;
        let Replayed { slate, block } = receipt.replay(&self.bundle)?;
        let (count, id) = (slate.items.len(), &receipt.bundle_id);
        println!(
            "{count} videos of bundle {id}, as on the device; receipt {}",
            slate.receipt
        );
        for (place, item) in slate.items.iter().enumerate() {
            println!("{:>4}  {}", place + 1, line(item, &block));
        }
        if self.dropped {
            println!("{} dropped", slate.dropped.len());
            for dropped in &slate.dropped {
                println!("      {}  {}", block.id(dropped.row), dropped.reason.as_str());
            }
        }
        Ok(())
    }
}

/// Id, score, reason and title of one place.
fn line(item: &Item, block: &Block) -> String {
    let because = item.reason.video.as_deref().map_or(String::new(), |v| format!(" {v}"));
    let title = block.title(item.row).unwrap_or_default();
    format!(
        "{}  {:.4}  {}{because}  {title}",
        item.id,
        item.score,
        item.reason.code.as_str()
    )
    .trim_end()
    .to_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    if path != Path::new("-") {
        return std::fs::read(path).map_err(Error::file(path));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map(|_| bytes)
        .map_err(Error::file(path))
}
