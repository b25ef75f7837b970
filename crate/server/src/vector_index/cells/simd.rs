//! Plain loops, compiled for the instructions that the processor turns out to have.

/// Work that is compiled for what the processor has: `run` is inlined into a function for it.
pub trait Work {
    /// Does it, with fused multiply-adds where the processor has them; `#[inline(always)]`.
    fn run<const FMA: bool>(self);
}

/// Does it.
pub fn simd(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
            // SAFETY: the only requirement of the call is that the processor has both, checked above.
            #[allow(unsafe_code, reason = "calling a safe function compiled for a processor feature")]
            return unsafe { run_avx512(work) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            #[allow(unsafe_code, reason = "calling a safe function compiled for a processor feature")]
            return unsafe { run_avx2(work) };
        }
    }
    // Every 64-bit ARM has a fused multiply-add.
    work.run::<{ cfg!(target_arch = "aarch64") }>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn run_avx512(work: impl Work) {
    work.run::<true>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2(work: impl Work) {
    work.run::<true>();
}
