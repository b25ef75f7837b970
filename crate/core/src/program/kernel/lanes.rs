//! Four f32 side by side.
//!
//! In WebAssembly this is a SIMD register by name: the module is optimised for its size, and then the compiler
//! vectorises nothing by itself. Elsewhere it is an array. Each operation is IEEE arithmetic per lane and none is
//! fused, so both give the same bits.

/// Four values, worked on at once.
#[derive(Clone, Copy)]
pub(super) struct Lanes(imp::Four);

impl Lanes {
    #[inline(always)]
    pub(super) fn load(values: &[f32; 4]) -> Lanes {
        Lanes(imp::load(values))
    }

    #[inline(always)]
    pub(super) fn splat(value: f32) -> Lanes {
        Lanes(imp::splat(value))
    }

    #[inline(always)]
    pub(super) fn store(self, to: &mut [f32; 4]) {
        imp::store(self.0, to);
    }

    /// The four values from place `at` on, which the caller has checked to be there.
    #[inline(always)]
    pub(super) fn from(values: &[f32], at: usize) -> Lanes {
        Lanes::load(&values[at..][..4].as_chunks().0[0])
    }

    /// The same without a look at the length.
    ///
    /// # Safety
    /// There are four values from place `at` on.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(super) unsafe fn from_unchecked(values: &[f32], at: usize) -> Lanes {
        debug_assert!(values.len() >= 4 && at <= values.len() - 4);
        // SAFETY: the caller's promise; an array of `f32` is aligned as they are.
        Lanes::load(unsafe { &*values.as_ptr().add(at).cast::<[f32; 4]>() })
    }

    /// Writes them to the four places from `at` on, which the caller has checked to be there.
    #[inline(always)]
    pub(super) fn to(self, values: &mut [f32], at: usize) {
        self.store(&mut values[at..][..4].as_chunks_mut().0[0]);
    }

    /// `self + other`.
    #[inline(always)]
    pub(super) fn plus(self, other: Lanes) -> Lanes {
        Lanes(imp::add(self.0, other.0))
    }

    /// `self + a · b`, rounded twice.
    #[inline(always)]
    pub(super) fn plus_product(self, a: Lanes, b: Lanes) -> Lanes {
        self.plus(Lanes(imp::mul(a.0, b.0)))
    }

    /// `self · other`.
    #[inline(always)]
    pub(super) fn times(self, other: Lanes) -> Lanes {
        Lanes(imp::mul(self.0, other.0))
    }

    /// `other` in the lanes where `self < other`; so NaN and −0 stay.
    #[inline(always)]
    pub(super) fn at_least(self, other: Lanes) -> Lanes {
        Lanes(imp::pmax(self.0, other.0))
    }

    /// Whether a lane is `least` or more.
    #[inline(always)]
    pub(super) fn any_at_least(self, least: f32) -> bool {
        imp::any_at_least(self.0, imp::splat(least))
    }

    /// `other` in the lanes where `self > other`; so NaN stays.
    #[inline(always)]
    pub(super) fn at_most(self, other: Lanes) -> Lanes {
        Lanes(imp::pmin(self.0, other.0))
    }
}

/// Two f64 side by side.
#[derive(Clone, Copy)]
pub(super) struct Pair(imp::Two);

impl Pair {
    #[inline(always)]
    pub(super) fn load(values: &[f64; 2]) -> Pair {
        Pair(imp::load_two(values))
    }

    /// `self + a · b`, rounded twice.
    #[inline(always)]
    pub(super) fn plus_product(self, a: Pair, b: Pair) -> Pair {
        Pair(imp::add_two(self.0, imp::mul_two(a.0, b.0)))
    }

    /// Its values.
    #[inline(always)]
    pub(super) fn values(self) -> [f64; 2] {
        imp::values(self.0)
    }
}

#[cfg(target_feature = "simd128")]
mod imp {
    pub use core::arch::wasm32::{
        f32x4_add as add, f32x4_mul as mul, f32x4_pmax as pmax, f32x4_pmin as pmin, f32x4_splat as splat,
    };
    use core::arch::wasm32::{f32x4_ge, f64x2_extract_lane, v128_any_true};
    pub use core::arch::wasm32::{f64x2_add as add_two, f64x2_mul as mul_two};
    use core::arch::wasm32::{v128, v128_load, v128_store};

    pub type Four = v128;
    pub type Two = v128;

    #[inline(always)]
    pub fn any_at_least(a: v128, b: v128) -> bool {
        v128_any_true(f32x4_ge(a, b))
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn load_two(values: &[f64; 2]) -> v128 {
        // SAFETY: a reference to sixteen bytes; the instruction asks for no alignment.
        unsafe { v128_load(values.as_ptr().cast()) }
    }

    #[inline(always)]
    pub fn values(two: v128) -> [f64; 2] {
        [f64x2_extract_lane::<0>(two), f64x2_extract_lane::<1>(two)]
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn load(values: &[f32; 4]) -> v128 {
        // SAFETY: a reference to sixteen bytes; the instruction asks for no alignment.
        unsafe { v128_load(values.as_ptr().cast()) }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn store(four: v128, to: &mut [f32; 4]) {
        // SAFETY: an exclusive reference to sixteen bytes; the instruction asks for no alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), four) }
    }
}

#[cfg(not(target_feature = "simd128"))]
mod imp {
    pub type Four = [f32; 4];
    pub type Two = [f64; 2];

    #[inline(always)]
    pub fn any_at_least(a: Four, b: Four) -> bool {
        (0..4).any(|i| a[i] >= b[i])
    }

    #[inline(always)]
    pub fn load_two(values: &[f64; 2]) -> Two {
        *values
    }

    #[inline(always)]
    pub fn values(two: Two) -> [f64; 2] {
        two
    }

    #[inline(always)]
    pub fn add_two(a: Two, b: Two) -> Two {
        [a[0] + b[0], a[1] + b[1]]
    }

    #[inline(always)]
    pub fn mul_two(a: Two, b: Two) -> Two {
        [a[0] * b[0], a[1] * b[1]]
    }

    #[inline(always)]
    pub fn load(values: &[f32; 4]) -> Four {
        *values
    }

    #[inline(always)]
    pub fn store(four: Four, to: &mut [f32; 4]) {
        *to = four;
    }

    #[inline(always)]
    pub fn splat(value: f32) -> Four {
        [value; 4]
    }

    #[inline(always)]
    pub fn add(a: Four, b: Four) -> Four {
        core::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    pub fn mul(a: Four, b: Four) -> Four {
        core::array::from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    pub fn pmax(a: Four, b: Four) -> Four {
        core::array::from_fn(|i| if a[i] < b[i] { b[i] } else { a[i] })
    }

    #[inline(always)]
    pub fn pmin(a: Four, b: Four) -> Four {
        core::array::from_fn(|i| if b[i] < a[i] { b[i] } else { a[i] })
    }
}
