//! Dot products of int8 rows. In WebAssembly sixteen levels at a time by name, for the reason that `lanes` gives; the same bits
//! everywhere: integers are exact, and the sixteen running sums of floats are added up in one order.

/// Levels that are worked on at once.
pub(crate) const AT_ONCE: usize = 16;

/// `Σ a·b` over the shorter length; exact up to 131,072 values.
#[must_use]
pub fn level_dot(a: &[i8], b: &[i8]) -> i32 {
    let n = a.len().min(b.len());
    let (a, b) = (a[..n].as_chunks::<AT_ONCE>(), b[..n].as_chunks::<AT_ONCE>());
    let rest = a.1.iter().zip(b.1).map(|(a, b)| i32::from(*a) * i32::from(*b));
    imp::level_dot(a.0, b.0) + rest.sum::<i32>()
}

/// `Σ levels·x` over the shorter length, in sixteen running sums, which are added up in their order.
#[must_use]
pub fn mixed_dot(levels: &[i8], x: &[f32]) -> f32 {
    let n = levels.len().min(x.len());
    let (levels, x) = (levels[..n].as_chunks::<AT_ONCE>(), x[..n].as_chunks::<AT_ONCE>());
    let mut sums = imp::mixed_sums(levels.0, x.0);
    for (sum, (level, x)) in sums.iter_mut().zip(levels.1.iter().zip(x.1)) {
        *sum += f32::from(*level) * x;
    }
    sums.iter().sum()
}

/// The levels as floats, over the shorter length.
pub(crate) fn widen(levels: &[i8], out: &mut [f32]) {
    let n = levels.len().min(out.len());
    let (levels, out) = (levels[..n].as_chunks::<AT_ONCE>(), out[..n].as_chunks_mut::<AT_ONCE>());
    for (levels, out) in levels.0.iter().zip(out.0) {
        imp::widen(levels, out);
    }
    for (level, out) in levels.1.iter().zip(out.1) {
        *out = f32::from(*level);
    }
}

#[cfg(target_feature = "simd128")]
mod imp {
    use core::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_mul, i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i32x4_add,
        i32x4_dot_i16x8, i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, i32x4_extract_lane, i32x4_splat, v128,
        v128_load, v128_store,
    };

    use super::AT_ONCE;

    #[inline(always)]
    #[allow(unsafe_code)]
    fn load<T>(values: &[T]) -> v128 {
        debug_assert!(size_of_val(values) >= 16);
        // SAFETY: callers pass sixteen bytes at least; the instruction asks for no alignment.
        unsafe { v128_load(values.as_ptr().cast()) }
    }

    pub fn level_dot(a: &[[i8; AT_ONCE]], b: &[[i8; AT_ONCE]]) -> i32 {
        let mut sum = i32x4_splat(0);
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (load(a), load(b));
            let low = i32x4_dot_i16x8(i16x8_extend_low_i8x16(a), i16x8_extend_low_i8x16(b));
            let high = i32x4_dot_i16x8(i16x8_extend_high_i8x16(a), i16x8_extend_high_i8x16(b));
            sum = i32x4_add(sum, i32x4_add(low, high));
        }
        let lanes = (i32x4_extract_lane::<0>(sum), i32x4_extract_lane::<1>(sum));
        lanes.0 + lanes.1 + i32x4_extract_lane::<2>(sum) + i32x4_extract_lane::<3>(sum)
    }

    /// Sixteen levels as four times four floats.
    #[inline(always)]
    fn floats(levels: &[i8; AT_ONCE]) -> (v128, v128, v128, v128) {
        let levels = load(levels);
        let (low, high) = (i16x8_extend_low_i8x16(levels), i16x8_extend_high_i8x16(levels));
        (
            f32x4_convert_i32x4(i32x4_extend_low_i16x8(low)),
            f32x4_convert_i32x4(i32x4_extend_high_i16x8(low)),
            f32x4_convert_i32x4(i32x4_extend_low_i16x8(high)),
            f32x4_convert_i32x4(i32x4_extend_high_i16x8(high)),
        )
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn store((a, b, c, d): (v128, v128, v128, v128), out: &mut [f32; AT_ONCE]) {
        let to: *mut v128 = out.as_mut_ptr().cast();
        // SAFETY: an exclusive reference to four times sixteen bytes; the instruction asks for no alignment.
        unsafe {
            v128_store(to, a);
            v128_store(to.add(1), b);
            v128_store(to.add(2), c);
            v128_store(to.add(3), d);
        }
    }

    pub fn widen(levels: &[i8; AT_ONCE], out: &mut [f32; AT_ONCE]) {
        store(floats(levels), out);
    }

    // Four sums by name: an array of them would live in memory, as loops over it are not unrolled for size.
    pub fn mixed_sums(levels: &[[i8; AT_ONCE]], x: &[[f32; AT_ONCE]]) -> [f32; AT_ONCE] {
        let zero = i32x4_splat(0);
        let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
        for (levels, x) in levels.iter().zip(x) {
            let fours = floats(levels);
            a = f32x4_add(a, f32x4_mul(fours.0, load(&x[..4])));
            b = f32x4_add(b, f32x4_mul(fours.1, load(&x[4..8])));
            c = f32x4_add(c, f32x4_mul(fours.2, load(&x[8..12])));
            d = f32x4_add(d, f32x4_mul(fours.3, load(&x[12..])));
        }
        let mut all = [0.0; AT_ONCE];
        store((a, b, c, d), &mut all);
        all
    }
}

#[cfg(not(target_feature = "simd128"))]
mod imp {
    use super::AT_ONCE;

    pub fn widen(levels: &[i8; AT_ONCE], out: &mut [f32; AT_ONCE]) {
        *out = levels.map(f32::from);
    }

    pub fn level_dot(a: &[[i8; AT_ONCE]], b: &[[i8; AT_ONCE]]) -> i32 {
        let pairs = a.as_flattened().iter().zip(b.as_flattened());
        pairs.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
    }

    pub fn mixed_sums(levels: &[[i8; AT_ONCE]], x: &[[f32; AT_ONCE]]) -> [f32; AT_ONCE] {
        let mut sums = [0.0; AT_ONCE];
        for (levels, x) in levels.iter().zip(x) {
            for (sum, (level, x)) in sums.iter_mut().zip(levels.iter().zip(x)) {
                *sum += f32::from(*level) * x;
            }
        }
        sums
    }
}
