//! Shapes with the batch axis taken out, and constants brought to them.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;

/// Most positions of a row that are looked for in an axis of rows.
const MOST_MERGED: usize = 4096;

/// A value's axes: where the batch is, and how long the others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowShape {
    /// Position of the batch axis; none where the value is the same for every row.
    pub batch: Option<usize>,
    /// Length of every axis; for the batch's, the positions of a row that are merged into it, as a rule 1.
    pub dims: Vec<usize>,
}

impl RowShape {
    /// Reads a fact; none where an axis other than the batch is dynamic, or the batch is there twice.
    pub fn of(fact: &TypedFact, batch: &Symbol) -> Option<Self> {
        let rows = TDim::from(batch.clone());
        let mut shape = RowShape {
            batch: None,
            dims: Vec::new(),
        };
        for (axis, dim) in fact.shape.iter().enumerate() {
            let fixed = dim.to_usize().ok();
            // Rows times positions: `[n, 3, d]` flattened to `[3·n, d]`.
            let merged = || (1..=MOST_MERGED).find(|k| rows.clone() * *k as i64 == *dim);
            if let Some(length) = fixed {
                shape.dims.push(length);
            } else {
                shape.dims.push(merged()?);
                if shape.batch.replace(axis).is_some() {
                    return None;
                }
            }
        }
        Some(shape)
    }

    /// Values per row.
    pub fn width(&self) -> usize {
        self.dims.iter().product()
    }

    /// True: cutting or joining along `axis` is cutting or joining the flattened row.
    pub fn is_outermost(&self, axis: usize) -> bool {
        self.batch != Some(axis) && self.dims.iter().take(axis).all(|d| *d == 1)
    }

    /// Values of the row per step along `axis`.
    pub fn stride(&self, axis: usize) -> usize {
        self.dims.iter().skip(axis + 1).product()
    }

    /// True: these axes are the whole row, and no other row.
    pub fn is_whole_row(&self, axes: &[usize]) -> bool {
        self.long_axes().all(|axis| axes.contains(&axis)) && self.batch.is_none_or(|batch| !axes.contains(&batch))
    }

    /// How many values the axes have where they are the last ones of the row: groups of as many stand one after the
    /// other. None where they are not, or reach over rows.
    pub fn group(&self, axes: &[usize]) -> Option<usize> {
        if self.batch.is_some_and(|batch| axes.contains(&batch)) {
            return None;
        }
        let first = axes
            .iter()
            .copied()
            .filter(|axis| self.dims.get(*axis) != Some(&1))
            .min()?;
        let mut rest = self.long_axes().filter(|axis| *axis >= first);
        rest.all(|axis| axes.contains(&axis))
            .then(|| self.stride(first) * self.dims[first])
    }

    /// Stride of every axis, 0 where the axis is stretched from 1 to that of `out`.
    pub fn strides_in(&self, out: &RowShape) -> Option<Vec<(usize, usize)>> {
        if self.dims.len() != out.dims.len() {
            return None;
        }
        let axes = self.dims.iter().zip(&out.dims).enumerate();
        axes.map(|(axis, (own, length))| match own {
            _ if own == length => Some((*length, self.stride(axis))),
            1 => Some((*length, 0)),
            _ => None,
        })
        .collect()
    }

    /// Order of the axes that are longer than 1, without the batch.
    pub fn long_axes(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.dims.len()).filter(|axis| self.dims.get(*axis).is_some_and(|d| *d != 1))
    }
}

/// The one value of a constant, where all of its values are equal.
pub fn uniform(tensor: &Tensor) -> Option<f32> {
    let values = floats(tensor)?;
    let first = values.first().copied()?;
    values.iter().all(|v| *v == first).then_some(first)
}

/// True for integer constants that are 0 throughout.
pub fn is_integer_zero(tensor: &Tensor) -> bool {
    tensor.datum_type().is_integer()
        && tensor.cast_to::<i64>().is_ok_and(|t| {
            t.try_as_plain_ram()
                .and_then(|view| view.as_slice::<i64>().map(|v| v.iter().all(|v| *v == 0)))
                .unwrap_or(false)
        })
}

/// Values of a constant: floats, or integers and truths as numbers.
pub fn floats(tensor: &Tensor) -> Option<Vec<f32>> {
    let tensor = tensor.cast_to::<f32>().ok()?;
    Some(tensor.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?.to_vec())
}

/// An f32 constant stretched to one row of `shape`; none where it is longer than that.
pub fn row_of(tensor: &Tensor, shape: &RowShape) -> Option<Vec<f32>> {
    // Programs hold finite numbers: a mask of −∞ becomes the lowest.
    let finite = |v: f32| v.clamp(f32::MIN, f32::MAX);
    let values = floats(&tensor.broadcast_to_shape(&shape.dims).ok()?)?;
    Some(values.into_iter().map(finite).collect())
}
