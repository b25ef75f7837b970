//! What a head could bring at most: one of the same features that knew the taste of that moment.

use upnext_core::block::Block;
use upnext_core::engine::Engine as _;
use upnext_core::feature::{PastEvent, encode_user};
use upnext_core::filter::filter;
use upnext_core::personal::{MAX_SHIFT, features};
use upnext_core::signal::signals;
use upnext_core::viewer::ViewerState;
use upnext_core::{Context, Profile};

use super::super::slates::Stage;
use super::PLACES;
use crate::Error;
use crate::linear::{factor, gram, padded, solve};

/// What is added to each square of a weight in the fit, where some hundred candidates stand against 66 weights.
const RIDGE: f64 = 0.1;

/// Mean true chance of the first [`PLACES`] of the candidates that may be shown, in three orders: the ranker's; the
/// ranker's with a head whose weights are fitted to the true log-odds less the ranker's logits (least squares over the same
/// candidates, within the bounds of a shift); the truth's. `chances` are those of the block's rows.
pub(super) fn ceiling(
    stage: &Stage<'_>,
    block: &Block,
    profile: &Profile,
    past: &[PastEvent<'_>],
    context: &Context,
    chances: &[f64],
) -> Result<[f64; 3], Error> {
    let model = stage.model;
    let (kept, _) = filter(block, profile, past, context.now_ms, None, &model.folding);
    let user = encode_user(&model.spec, &model.gram, &model.folding, profile, context, past)?;
    let logits = stage.engines.with(|engine| {
        let vector = engine.user_vector(&user)?;
        let viewer = ViewerState::new(&model.spec, context, past, &user, &vector);
        let candidates = kept.iter().filter_map(|row| block.candidate(*row));
        let values: Vec<f32> = candidates.flat_map(|candidate| signals(&viewer, &candidate)).collect();
        engine.rank(&values, kept.len())
    })?;
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    // The first head is relevance, the last the order.
    let heads = logits.len().checked_div(kept.len()).unwrap_or(0).max(1);
    for (row, heads) in kept.iter().zip(logits.chunks_exact(heads)) {
        let vector = block
            .vector(*row)
            .map(|vector| features(vector, block.length_seconds(*row)));
        rows.extend(vector.unwrap_or_default());
        let chance = chances[*row].clamp(1e-6, 1.0 - 1e-6);
        missing.push((chance / (1.0 - chance)).ln() as f32 - heads[0]);
    }
    let width = rows.len() / kept.len().max(1);
    let weights = fitted(&rows, width, &missing);
    let orders = || logits.chunks_exact(heads).map(|said| said[said.len() - 1]);
    let shifted = orders().zip(rows.chunks_exact(width.max(1))).map(|(order, x)| {
        let shift: f32 = weights[1..].iter().zip(&x[1..]).map(|(w, x)| w * x).sum();
        order + shift.clamp(-MAX_SHIFT, MAX_SHIFT)
    });
    let best = |scores: Vec<f32>| {
        let mut places: Vec<usize> = (0..scores.len()).collect();
        places.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let sum: f64 = places.iter().take(PLACES).map(|at| chances[kept[*at]]).sum();
        sum / PLACES as f64
    };
    Ok([
        best(orders().collect()),
        best(shifted.collect()),
        best(kept.iter().map(|row| chances[*row] as f32).collect()),
    ])
}

/// The weights of least squares, with [`RIDGE`]; zeros where there is nothing to fit.
fn fitted(rows: &[f32], width: usize, wanted: &[f32]) -> Vec<f32> {
    if width == 0 {
        return vec![0.0];
    }
    let stride = padded(width);
    let mut products = vec![0.0_f32; width * stride];
    for (i, row) in gram(rows, width).chunks_exact(width).enumerate() {
        for (j, value) in row.iter().enumerate() {
            products[i * stride + j] = (value + if i == j { RIDGE } else { 0.0 }) as f32;
        }
    }
    let mut weights = vec![0.0_f32; width];
    for (x, wanted) in rows.chunks_exact(width).zip(wanted) {
        weights.iter_mut().zip(x).for_each(|(sum, x)| *sum += wanted * x);
    }
    if !factor::<false>(&mut products, stride, width) {
        return vec![0.0; width];
    }
    solve::<false>(&products, stride, &mut weights);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_made_the_values_are_found() {
        let wanted_weights = [0.5_f32, -1.0, 2.0, 0.0];
        let number = |at: usize| ((at * 7919 + 13) % 101) as f32 / 50.0 - 1.0;
        let rows: Vec<f32> = (0..200).map(number).collect();
        let values: Vec<f32> = rows
            .chunks_exact(4)
            .map(|x| x.iter().zip(&wanted_weights).map(|(x, w)| x * w).sum())
            .collect();
        for (found, wanted) in fitted(&rows, 4, &values).iter().zip(wanted_weights) {
            assert!((found - wanted).abs() < 0.05, "{found} for {wanted}");
        }
        assert_eq!(fitted(&[], 0, &[]), [0.0]);
    }
}
