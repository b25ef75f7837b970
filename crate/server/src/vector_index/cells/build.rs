//! From rows to cells: centres, the cell of each row, int8 differences in groups.

use rayon::prelude::*;
use upnext_core::{Error, ErrorKind, quantize};

use super::centres::{Centres, spread, train};
use super::group::{BIAS, Columns, GROUP, PAD, QUAD};
use super::{Cell, CellIndex, NO_ROW};
use crate::vector_index::dot::MAX_DIM;
use crate::vector_index::exact::{SLACK, finite, norm};

/// Cells are this many times the root of the number of rows.
const CELLS: f64 = 2.0;
/// Widest row whose covariance is held; it grows with the square of the width.
const MAX_SHAPE: usize = 512;
/// Rows that the covariance is taken from.
const SHAPED: usize = 16_384;

/// See [`CellIndex::new`].
pub fn build(dim: usize, exact: Vec<f32>, missed: f32) -> Result<CellIndex, Error> {
    if dim == 0 || dim > MAX_DIM || !exact.len().is_multiple_of(dim.max(1)) {
        return Err(Error::from(ErrorKind::BundleInconsistent {
            what: "width of an indexed row".to_owned(),
            expected: format!("1 to {MAX_DIM}, and whole rows"),
            found: format!("{dim} in {} values", exact.len()),
        }));
    }
    finite("indexed rows", &exact)?;
    let count = exact.len() / dim;
    let cells = ((CELLS * (count as f64).sqrt()) as usize).min(count);
    let values = train(&exact, dim, cells);
    let centres = Centres::new(&values, dim);
    let nearest = centres.nearest(&exact);
    let (mut cells, rows) = places(&nearest, cells);

    let stride = dim.next_multiple_of(PAD);
    let groups = rows.len() / GROUP;
    let mut levels = vec![BIAS.cast_unsigned(); groups * GROUP * stride];
    let mut columns = vec![
        Columns {
            scales: [0.0; GROUP],
            residuals: [f32::NAN; GROUP],
            norms: [0.0; GROUP],
        };
        groups
    ];
    let parts = cut(&cells, &mut levels, &mut columns, GROUP * stride);
    let work = cells.par_iter_mut().zip(parts).zip(values.par_chunks_exact(dim));
    work.for_each(|((cell, (levels, columns)), centre)| {
        let rows = &rows[cell.start * GROUP..cell.end * GROUP];
        fill(cell, rows, centre, &exact, levels, columns);
    });
    Ok(CellIndex {
        dim,
        missed,
        shape: shape(&exact, dim, &values, &centres),
        centres,
        cells,
        levels,
        columns,
        rows,
        exact,
    })
}

/// Cells and the row of each place: rows of a cell side by side, in their order, padded to whole groups.
fn places(nearest: &[u32], cells: usize) -> (Vec<Cell>, Vec<u32>) {
    let mut counts = vec![0_usize; cells];
    nearest.iter().for_each(|cell| counts[*cell as usize] += 1);
    let mut start = 0;
    let cells: Vec<Cell> = (counts.iter())
        .map(|rows| {
            let end = start + rows.div_ceil(GROUP);
            let cell = Cell {
                start,
                end,
                rows: *rows,
                radius: 0.0,
                square: 0.0,
            };
            start = end;
            cell
        })
        .collect();
    let mut rows = vec![NO_ROW; start * GROUP];
    let mut next: Vec<usize> = cells.iter().map(|cell| cell.start * GROUP).collect();
    for (row, cell) in nearest.iter().enumerate() {
        let place = &mut next[*cell as usize];
        rows[*place] = row as u32;
        *place += 1;
    }
    (cells, rows)
}

/// The part of each cell.
fn cut<'a>(
    cells: &[Cell],
    mut levels: &'a mut [u8],
    mut columns: &'a mut [Columns],
    bytes: usize,
) -> Vec<(&'a mut [u8], &'a mut [Columns])> {
    (cells.iter())
        .map(|cell| {
            let groups = cell.end - cell.start;
            let (own_levels, rest) = std::mem::take(&mut levels).split_at_mut(groups * bytes);
            levels = rest;
            let (own_columns, rest) = std::mem::take(&mut columns).split_at_mut(groups);
            columns = rest;
            (own_levels, own_columns)
        })
        .collect()
}

/// Writes the differences of a cell's rows, and how far they reach.
fn fill(cell: &mut Cell, rows: &[u32], centre: &[f32], exact: &[f32], levels: &mut [u8], columns: &mut [Columns]) {
    let dim = centre.len();
    let bytes = levels.len() / columns.len().max(1);
    let length = norm(centre.iter().copied());
    // Relative error of a product of f32 that is summed in any order, and of what is added to it.
    let rounding = SLACK + dim as f32 * f32::EPSILON;
    let (mut difference, mut narrow) = (vec![0.0_f32; dim], vec![0_i8; dim]);
    let (mut radius, mut square) = (0.0_f32, 0.0_f64);
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| **row != NO_ROW) {
        let (group, lane) = (place / GROUP, place % GROUP);
        let values = &exact[*row as usize * dim..][..dim];
        for ((d, v), c) in difference.iter_mut().zip(values).zip(centre) {
            *d = v - c;
        }
        let scale = quantize(&difference, &mut narrow);
        // Against the row itself: what f32 lost in the difference counts too.
        let hat = centre
            .iter()
            .zip(&narrow)
            .map(|(c, level)| f64::from(*c) + f64::from(scale) * f64::from(*level));
        let residual = (values.iter().zip(hat))
            .map(|(v, hat)| (f64::from(*v) - hat).powi(2))
            .sum::<f64>()
            .sqrt() as f32;
        let kept = norm(narrow.iter().map(|level| scale * f32::from(*level)));
        let distance = norm(difference.iter().copied());
        radius = radius.max(distance);
        square += f64::from(distance).powi(2);
        let columns = &mut columns[group];
        columns.scales[lane] = scale;
        columns.residuals[lane] = residual * (1.0 + SLACK) + (kept + length) * rounding;
        columns.norms[lane] = kept * (1.0 + SLACK);
        let target = &mut levels[group * bytes..(group + 1) * bytes];
        for (j, level) in narrow.iter().enumerate() {
            target[j / QUAD * QUAD * GROUP + lane * QUAD + j % QUAD] = (level ^ BIAS).cast_unsigned();
        }
    }
    cell.radius = radius * (1.0 + SLACK) + (radius + length) * rounding;
    cell.square = (square / cell.rows.max(1) as f64) as f32;
}

/// Covariance of differences over their mean square.
fn shape(exact: &[f32], dim: usize, values: &[f32], centres: &Centres) -> Vec<f32> {
    if dim > MAX_SHAPE {
        return Vec::new();
    }
    let sample = spread(exact, dim, SHAPED);
    let nearest = centres.nearest(&sample);
    let mut sums = vec![0.0_f32; dim * dim];
    let mut square = 0.0;
    let mut difference = vec![0.0_f32; dim];
    for (row, cell) in sample.chunks_exact(dim).zip(nearest) {
        let centre = &values[cell as usize * dim..][..dim];
        for ((d, v), c) in difference.iter_mut().zip(row).zip(centre) {
            *d = v - c;
        }
        square += difference.iter().map(|d| d * d).sum::<f32>();
        for (sums, d) in sums.chunks_exact_mut(dim).zip(&difference) {
            sums.iter_mut()
                .zip(&difference)
                .for_each(|(sum, other)| *sum += d * other);
        }
    }
    if square > 0.0 && square.is_finite() {
        sums.iter_mut().for_each(|sum| *sum /= square);
        sums
    } else {
        Vec::new()
    }
}
