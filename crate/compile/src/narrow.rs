//! Weights in fewer bytes: what is transferred shrinks, the sums stay in f32.

use serde::{Deserialize, Serialize};
use upnext_core::program::format::{OpCode, ProgramMessage};
use upnext_core::program::weights::Stored;

/// The largest half; what is beyond would become infinite.
const LARGEST_HALF: f32 = 65_504.0;
/// The largest level of int8: −128 is left out, so that a weight and its opposite are equally far from zero.
const LARGEST_LEVEL: f32 = 127.0;

/// How the weights of a program travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Four bytes each, as they are.
    #[default]
    F32,
    /// Half precision: two bytes, eleven bits.
    F16,
    /// One byte, with a scale for each row of a table and each column of a layer.
    Int8,
}

/// Which values share a scale in int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Those of a row: it is looked up alone.
    Row,
    /// Those of a column: they are the weights of one sum.
    Column,
}

impl Precision {
    /// The name in reports and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
            Precision::Int8 => "int8",
        }
    }

    fn stored(self, values: &[f32], cols: usize, share: Share) -> Stored {
        match self {
            Precision::F16 if values.iter().all(|v| v.abs() <= LARGEST_HALF) => Stored::F16,
            Precision::F32 | Precision::F16 => Stored::F32,
            Precision::Int8 => match share {
                Share::Row => Stored::Int8Rows(values.chunks(cols.max(1)).map(scale).collect()),
                Share::Column => {
                    let column = |at: usize| values.iter().skip(at).step_by(cols.max(1));
                    Stored::Int8Columns((0..cols).map(|at| scale(column(at))).collect())
                }
            },
        }
    }

    /// The values that a device reads of `values`, rows of `cols` each, where those of a `share` have one scale.
    #[must_use]
    pub fn rounded(self, values: &[f32], cols: usize, share: Share) -> Vec<f32> {
        let message = self.stored(values, cols, share).message(values, cols);
        // What was just written has the right shape; an empty table is the one thing that a message cannot hold.
        Stored::read(&message).map_or_else(|_| values.to_vec(), |(_, values)| values)
    }
}

/// What a level is worth where the largest of `values` gets the largest level.
fn scale<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().fold(0.0_f32, |most, v| most.max(v.abs())) / LARGEST_LEVEL
}

/// Narrows tables and the weights of layers. What has one row, as biases and scales have, stays: it weighs little, and
/// its error would reach every sum.
pub fn narrow(mut program: ProgramMessage, precision: Precision) -> ProgramMessage {
    let shares = shares(&program);
    for (tensor, share) in program.tensors.iter_mut().zip(shares) {
        if let Some(share) = share
            && tensor.rows > 1
        {
            let values: Vec<f32> = tensor
                .data
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect();
            let cols = tensor.cols as usize;
            *tensor = precision.stored(&values, cols, share).message(&values, cols);
        }
    }
    program
}

/// What shares a scale in each tensor; none where it is no table and no layer's.
fn shares(program: &ProgramMessage) -> Vec<Option<Share>> {
    let mut shares = vec![None; program.tensors.len()];
    for op in &program.ops {
        let share = match OpCode::try_from(op.code) {
            Ok(OpCode::Gather | OpCode::GatherRows | OpCode::GatherMean) => Share::Row,
            Ok(OpCode::Dense) => Share::Column,
            _ => continue,
        };
        if let Some(slot) = op.tensors.first().and_then(|tensor| shares.get_mut(*tensor as usize)) {
            slot.get_or_insert(share);
        }
    }
    shares
}
