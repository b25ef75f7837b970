//! What the kernels mean, one value after the other, in the order of summation that they promise.
//!
//! Part of tests alone: core's, which run natively, and wasm's, which run in browsers and include this file.

/// `bias + x · weights`, each output for itself.
pub fn dense(x: &[f32], weights: &[f32], bias: Option<&[f32]>, width: usize) -> Vec<f32> {
    let output = |o: usize| {
        let start = 0.0 + bias.map_or(0.0, |b| b[o]);
        x.iter()
            .enumerate()
            .fold(start, |sum, (i, v)| sum + v * weights[i * width + o])
    };
    (0..width).map(output).collect()
}

/// Every eighth product is a lane; lanes are folded pairwise, then the rest is added.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let whole = a.len() / 8 * 8;
    let lane = |l: usize| (l..whole).step_by(8).fold(0.0_f32, |sum, i| sum + a[i] * b[i]);
    let folded = ((lane(0) + lane(4)) + (lane(1) + lane(5))) + ((lane(2) + lane(6)) + (lane(3) + lane(7)));
    (whole..a.len()).fold(folded, |sum, i| sum + a[i] * b[i])
}

/// The sum of the products of levels, in integers.
pub fn level_dot(a: &[i8], b: &[i8]) -> i64 {
    a.iter().zip(b).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum()
}

/// Every sixteenth product is a lane; lanes are added in their order.
pub fn mixed_dot(levels: &[i8], x: &[f32]) -> f32 {
    let n = levels.len().min(x.len());
    let lane = |l: usize| {
        (l..n)
            .step_by(16)
            .fold(0.0_f32, |sum, i| sum + f32::from(levels[i]) * x[i])
    };
    (0..16).map(lane).sum()
}

/// The value, or zero where it is below zero.
pub fn relu(x: &[f32]) -> Vec<f32> {
    x.iter().map(|v| if *v < 0.0 { 0.0 } else { *v }).collect()
}

/// The value, or the bound that it is beyond.
pub fn clamp(x: &[f32], low: f32, high: f32) -> Vec<f32> {
    let bounded = |v: &f32| match () {
        () if *v < low => low,
        () if *v > high => high,
        () => *v,
    };
    x.iter().map(bounded).collect()
}

/// Mean of the rows whose id is not 0.
pub fn gather_mean(ids: &[u32], table: &[f32], width: usize) -> Vec<f32> {
    let real: Vec<usize> = ids.iter().filter(|id| **id != 0).map(|id| *id as usize).collect();
    let mean = |c: usize| real.iter().fold(0.0, |sum, id| sum + table[id * width + c]) / real.len().max(1) as f32;
    (0..width).map(mean).collect()
}

/// `x / max(‖x‖₂, floor)`, the norm in f64.
pub fn l2_normalise(x: &[f32], floor: f32) -> Vec<f32> {
    let square = x.iter().fold(0.0, |sum, v| sum + f64::from(*v) * f64::from(*v));
    let norm = (square.sqrt() as f32).max(floor);
    x.iter().map(|v| v / norm).collect()
}

/// `e^x` over its sum, in f64.
pub fn softmax(x: &[f32]) -> Vec<f64> {
    let sum: f64 = x.iter().map(|v| f64::from(*v).exp()).sum();
    x.iter().map(|v| f64::from(*v).exp() / sum).collect()
}

/// `x` less its mean, over its deviation with `epsilon`, in f64.
pub fn layer_norm(x: &[f32], epsilon: f32) -> Vec<f64> {
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / x.len() as f64;
    let centre = mean(&mut x.iter().map(|v| f64::from(*v)));
    let variance = mean(&mut x.iter().map(|v| (f64::from(*v) - centre).powi(2)));
    let scale = (variance + f64::from(epsilon)).sqrt();
    x.iter().map(|v| (f64::from(*v) - centre) / scale).collect()
}

/// True where each value is within `tolerance` of the expected one.
pub fn near(found: &[f32], expected: &[f64], tolerance: f64) -> bool {
    let near = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() <= tolerance;
    found.len() == expected.len() && found.iter().zip(expected).all(near)
}

/// Numbers in −1..1 that depend on the seed alone, with runs of zeros of either sign, as a viewer's pools have them.
pub fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        // Steele and Vigna's SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    let mut is_hole = false;
    (0..len)
        .map(|i| {
            if i % 6 == 0 {
                is_hole = next() < 0.0;
            }
            let value = next();
            if is_hole { 0.0_f32.copysign(value) } else { value }
        })
        .collect()
}

/// Equal bits; any NaN equals any other.
pub fn same(found: &[f32], expected: &[f32]) -> bool {
    let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    found.len() == expected.len() && found.iter().zip(expected).all(same)
}

/// Values at `Σ iₐ · strideₐ`, axis after axis.
pub fn arrange(x: &[f32], axes: &[(usize, usize)]) -> Vec<f32> {
    let mut places = vec![0];
    for (length, stride) in axes {
        places = places
            .iter()
            .flat_map(|at| (0..*length).map(move |i| at + i * stride))
            .collect();
    }
    places.into_iter().map(|at| x[at]).collect()
}

/// `count` products, each output for itself.
pub fn product(left: &[f32], right: &[f32], count: usize, [m, k, n]: [usize; 3]) -> Vec<f32> {
    let value = |c: usize, row: usize, o: usize| {
        (0..k).fold(0.0, |sum, i| {
            sum + left[(c * m + row) * k + i] * right[(c * k + i) * n + o]
        })
    };
    let rows = (0..count).flat_map(|c| (0..m).map(move |row| (c, row)));
    rows.flat_map(|(c, row)| (0..n).map(move |o| value(c, row, o)))
        .collect()
}

/// Sum in f64, or largest, of the values whose index differs along the axis alone.
pub fn reduce(largest: bool, x: &[f32], len: usize, inner: usize) -> Vec<f32> {
    let axis = |o: usize| (0..len).map(move |l| x[(o / inner * len + l) * inner + o % inner]);
    let fold = |o: usize| match largest {
        true => axis(o).fold(f32::NEG_INFINITY, f32::max),
        false => axis(o).map(f64::from).sum::<f64>() as f32,
    };
    (0..x.len() / len).map(fold).collect()
}
