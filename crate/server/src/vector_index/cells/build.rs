//! From rows to cells: centres, the cell of each row, differences in four bits, in groups of rows of about the same length.

use rayon::prelude::*;
use upnext_core::{Error, ErrorKind};

use super::centres::{Centres, spread, train};
use super::group::{Columns, GROUP, PAD, ZEROS, put};
use super::simd::{Work, simd};
use super::{Cell, CellIndex, NO_ROW};
use crate::column::Column;
use crate::vector_index::dot::MAX_DIM;
use crate::vector_index::exact::{SLACK, finite, norm};

/// Cells are this many times the root of the number of rows.
const CELLS: f64 = 2.0;
/// Steps that are tried for a group, over the one at which its largest value is the largest level. Most values are far below
/// that: a smaller step is nearer to them, and cuts a few off.
const STEPS: [f32; 4] = [1.0, 0.85, 0.7, 0.6];
/// Widest row whose covariance is held; it grows with the square of the width.
const MAX_SHAPE: usize = 512;
/// Rows that the covariance is taken from.
const SHAPED: usize = 16_384;

/// See [`CellIndex::new`].
pub fn build(dim: usize, exact: Column<f32>, missed: f32) -> Result<CellIndex, Error> {
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
    let (mut cells, mut rows) = places(&nearest, cells);

    let stride = dim.next_multiple_of(PAD);
    let groups = rows.len() / GROUP;
    let mut levels = vec![ZEROS; groups * GROUP * stride / 2];
    let mut columns = vec![Columns::default(); groups];
    let parts = cut(&cells, &mut rows, &mut levels, &mut columns);
    let work = cells.par_iter_mut().zip(parts).zip(values.par_chunks_exact(dim));
    let exact_rows: &[f32] = &exact;
    work.for_each(|((cell, part), centre)| fill(cell, part, centre, exact_rows));
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

/// What is a cell's own: its places, levels and columns.
struct Part<'a> {
    rows: &'a mut [u32],
    levels: &'a mut [u8],
    columns: &'a mut [Columns],
}

/// The part of each cell.
fn cut<'a>(
    cells: &[Cell],
    mut rows: &'a mut [u32],
    mut levels: &'a mut [u8],
    mut columns: &'a mut [Columns],
) -> Vec<Part<'a>> {
    let bytes = levels.len() / columns.len().max(1);
    (cells.iter())
        .map(|cell| {
            let groups = cell.end - cell.start;
            Part {
                rows: rows.split_off_mut(..groups * GROUP).unwrap_or_default(),
                levels: levels.split_off_mut(..groups * bytes).unwrap_or_default(),
                columns: columns.split_off_mut(..groups).unwrap_or_default(),
            }
        })
        .collect()
}

/// Orders a cell's rows by how far they are from the centre, the farthest first, so that those of a group are alike, writes
/// their differences, and how far they reach.
fn fill(cell: &mut Cell, part: Part<'_>, centre: &[f32], exact: &[f32]) {
    let dim = centre.len();
    let values = |row: u32| &exact[row as usize * dim..][..dim];
    let distance = |row: u32| norm(values(row).iter().zip(centre).map(|(v, c)| v - c));
    let mut far: Vec<(f32, u32)> = part.rows[..cell.rows]
        .iter()
        .map(|row| (distance(*row), *row))
        .collect();
    far.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (place, (_, row)) in part.rows.iter_mut().zip(&far) {
        *place = *row;
    }
    let length = norm(centre.iter().copied());
    // Relative error of a product of f32 that is summed in any order, and of what is added to it.
    let rounding = SLACK + dim as f32 * f32::EPSILON;
    let bytes = part.levels.len() / part.columns.len().max(1);
    let groups = part.levels.chunks_exact_mut(bytes.max(1)).zip(part.columns);
    let mut differences = vec![0.0_f32; GROUP * dim];
    for (rows, (levels, columns)) in far.chunks(GROUP).zip(groups) {
        let differences = &mut differences[..rows.len() * dim];
        for ((_, row), difference) in rows.iter().zip(differences.chunks_exact_mut(dim)) {
            for ((d, v), c) in difference.iter_mut().zip(values(*row)).zip(centre) {
                *d = v - c;
            }
        }
        let step = step(differences);
        let mut square = 0.0_f64;
        for (lane, ((_, row), difference)) in rows.iter().zip(differences.chunks_exact(dim)).enumerate() {
            let (mut residual, mut kept) = (0.0_f64, 0.0_f64);
            for (j, ((d, v), c)) in difference.iter().zip(values(*row)).zip(centre).enumerate() {
                let level = nearest_level(*d, step) as i8;
                put(levels, lane, j, level);
                let hat = f64::from(step) * f64::from(level);
                // Against the row itself: what f32 lost in the difference counts too.
                residual += (f64::from(*v) - f64::from(*c) - hat).powi(2);
                kept += hat.powi(2);
            }
            square += residual;
            let (residual, kept) = (residual.sqrt() as f32, kept.sqrt() as f32);
            columns.reach = columns.reach.max(residual * (1.0 + SLACK) + (kept + length) * rounding);
            columns.norm = columns.norm.max(kept * (1.0 + SLACK));
        }
        columns.scale = step;
        columns.deviation = (square / (rows.len() * dim) as f64).sqrt() as f32;
    }
    let radius = far.first().map_or(0.0, |(distance, _)| *distance);
    cell.radius = radius * (1.0 + SLACK) + (radius + length) * rounding;
    let square: f64 = far.iter().map(|(distance, _)| f64::from(*distance).powi(2)).sum();
    cell.square = (square / cell.rows.max(1) as f64) as f32;
}

/// The level of a difference, −8 to 7: the nearest, of two equally near ones the farther from zero.
#[inline(always)]
fn nearest_level(difference: f32, step: f32) -> f32 {
    let exact = if step > 0.0 { difference / step } else { 0.0 };
    // As `round` has it, in instructions that there are for many values at once; no quotient here is above 7 / 0.6, and what is
    // left of one is exact.
    let whole = exact as i32 as f32;
    let away = if (exact - whole).abs() >= 0.5 {
        1.0_f32.copysign(exact)
    } else {
        0.0
    };
    (whole + away).clamp(-8.0, 7.0)
}

/// The step at which these differences are kept best, by their square; 0 for zeros.
fn step(differences: &[f32]) -> f32 {
    let largest = differences.iter().fold(0.0_f32, |largest, d| largest.max(d.abs()));
    let steps = STEPS.map(|share| share * largest / 7.0);
    let mut lost = [0.0; STEPS.len()];
    simd(Losses {
        differences,
        steps,
        lost: &mut lost,
    });
    let best = lost.into_iter().zip(steps).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(0.0, |(_, step)| step)
}

/// What each step loses of these differences, as a sum of squares in their order.
struct Losses<'a> {
    differences: &'a [f32],
    steps: [f32; STEPS.len()],
    lost: &'a mut [f32; STEPS.len()],
}

impl Work for Losses<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let mut lost = [0.0_f32; STEPS.len()];
        for d in self.differences {
            for (lost, step) in lost.iter_mut().zip(self.steps) {
                let off = d - step * nearest_level(*d, step);
                *lost += off * off;
            }
        }
        *self.lost = lost;
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_level_is_the_rounded_quotient(difference in -20.0_f32..20.0, step in 0.01_f32..3.0, half in -20_i32..20) {
            let rounded = |exact: f32| exact.round().clamp(-8.0, 7.0);
            prop_assert_eq!(nearest_level(difference, step), rounded(difference / step));
            for near in [half as f32 / 2.0, (half as f32 / 2.0).next_up(), (half as f32 / 2.0).next_down()] {
                prop_assert_eq!(nearest_level(near, 1.0), rounded(near));
            }
            prop_assert_eq!(nearest_level(difference, 0.0), 0.0);
        }
    }
}
