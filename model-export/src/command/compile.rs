//! `upnext-export compile MODEL.onnx --out MODEL.program`

use std::path::PathBuf;

use clap::Args;
use upnext_export::{Error, compile};

/// Compile an ONNX graph to a compact program
///
/// Every input is `[n, width]`, f32 or int64 ids, with a dynamic batch or one row. A node outside the
/// compact set is named; such a graph still runs in the module `upnext/onnx`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  upnext-export compile model.onnx --out model.program")]
pub struct Compile {
    /// ONNX graph
    onnx: PathBuf,
    /// Where the program goes
    #[arg(long)]
    out: PathBuf,
}

impl Compile {
    pub fn run(self) -> Result<(), Error> {
        let onnx = std::fs::read(&self.onnx).map_err(Error::file(&self.onnx))?;
        let program = compile::compile(&self.onnx.display().to_string(), &onnx)?.encode();
        std::fs::write(&self.out, &program).map_err(Error::file(&self.out))?;
        println!(
            "{}: {} bytes, from {} bytes of ONNX",
            self.out.display(),
            program.len(),
            onnx.len()
        );
        Ok(())
    }
}
