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

    #[allow(unsafe_code)]
    pub fn mixed_sums(levels: &[[i8; AT_ONCE]], x: &[[f32; AT_ONCE]]) -> [f32; AT_ONCE] {
        let zero = i32x4_splat(0);
        let mut sums = [zero; 4];
        for (levels, x) in levels.iter().zip(x) {
            let levels = load(levels);
            let (low, high) = (i16x8_extend_low_i8x16(levels), i16x8_extend_high_i8x16(levels));
            let fours = [
                i32x4_extend_low_i16x8(low),
                i32x4_extend_high_i16x8(low),
                i32x4_extend_low_i16x8(high),
                i32x4_extend_high_i16x8(high),
            ];
            let x = x.as_chunks::<4>().0;
            for ((sum, four), x) in sums.iter_mut().zip(fours).zip(x) {
                *sum = f32x4_add(*sum, f32x4_mul(f32x4_convert_i32x4(four), load(x)));
            }
        }
        let mut all = [0.0; AT_ONCE];
        for (to, sum) in all.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
            // SAFETY: an exclusive reference to sixteen bytes; the instruction asks for no alignment.
            unsafe { v128_store(to.as_mut_ptr().cast(), sum) };
        }
        all
    }
}

#[cfg(not(target_feature = "simd128"))]
mod imp {
    use super::AT_ONCE;

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
