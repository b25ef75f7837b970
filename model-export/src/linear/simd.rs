//! One definition, compiled for what the processor has: a [`Kernel`] is written once in plain Rust and run
//! with AVX-512, with AVX2, or as the target allows by default.

/// Work to be run with the widest instructions there are. `run` must be `#[inline(always)]`, and so must what it
/// calls: only what is inlined is compiled for them.
pub trait Kernel {
    /// What it gives.
    type Output;

    /// The work. `FMA` says that a fused multiply-add is one instruction.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// Runs a kernel.
pub fn with_simd<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
            // SAFETY: the only requirement of the call is that the processor has both, checked above.
            #[allow(
                unsafe_code,
                reason = "calling the same safe function compiled for a processor feature"
            )]
            return unsafe { run_avx512(kernel) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            #[allow(
                unsafe_code,
                reason = "calling the same safe function compiled for a processor feature"
            )]
            return unsafe { run_avx2(kernel) };
        }
    }
    // Every 64-bit ARM has a fused multiply-add.
    kernel.run::<{ cfg!(target_arch = "aarch64") }>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

/// `a · b + c`, fused where that is one instruction; elsewhere it would be a call into a library.
#[inline(always)]
pub(super) fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Lanes that a sum is spread over, in a fixed order.
const LANES: usize = 32;

/// Inner product of two rows of one length.
#[inline(always)]
#[must_use]
pub fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] = mul_add::<FMA>(a[i], b[i], sums[i]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    total(sums) + rest
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn total<const N: usize>(mut sums: [f32; N]) -> f32 {
    let mut width = N;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0]
}

/// Lanes of each of [`dots`]' sums.
const FOUR_LANES: usize = 16;

/// [`dot`] of four rows with one: that one is read once.
#[inline(always)]
#[must_use]
pub fn dots<const FMA: bool>(rows: [&[f32]; 4], with: &[f32]) -> [f32; 4] {
    let (with, with_rest) = with.as_chunks::<FOUR_LANES>();
    let chunks = rows.map(|row| row.as_chunks::<FOUR_LANES>());
    let mut sums = [[0.0_f32; FOUR_LANES]; 4];
    let [a, b, c, d] = chunks.map(|(chunks, _)| chunks);
    for ((((w, a), b), c), d) in with.iter().zip(a).zip(b).zip(c).zip(d) {
        for i in 0..FOUR_LANES {
            sums[0][i] = mul_add::<FMA>(a[i], w[i], sums[0][i]);
            sums[1][i] = mul_add::<FMA>(b[i], w[i], sums[1][i]);
            sums[2][i] = mul_add::<FMA>(c[i], w[i], sums[2][i]);
            sums[3][i] = mul_add::<FMA>(d[i], w[i], sums[3][i]);
        }
    }
    std::array::from_fn(|m| {
        let rest: f32 = chunks[m].1.iter().zip(with_rest).map(|(a, b)| a * b).sum();
        total(sums[m]) + rest
    })
}

/// `y += Σ factor · row` of four rows: `y` is read and written once.
#[inline(always)]
pub fn add_four<const FMA: bool>(y: &mut [f32], factors: [f32; 4], rows: [&[f32]; 4]) {
    let [a, b, c, d] = rows;
    for ((((y, a), b), c), d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let first = mul_add::<FMA>(factors[0], *a, mul_add::<FMA>(factors[1], *b, *y));
        *y = mul_add::<FMA>(factors[2], *c, mul_add::<FMA>(factors[3], *d, first));
    }
}

/// `y += factor · x`.
#[inline(always)]
pub fn add_scaled<const FMA: bool>(y: &mut [f32], factor: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = mul_add::<FMA>(factor, *x, *y);
    }
}
