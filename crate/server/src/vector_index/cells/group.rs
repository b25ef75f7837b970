//! Scores of groups of 16 int8 rows. The rows of a group lie interleaved, four levels of each in turn, so that one
//! instruction of AVX-512 VNNI (`vpdpbusd`) adds four products to each of 16 sums, and no sum is ever taken across lanes.

/// Rows that are scored together.
pub const GROUP: usize = 16;
/// Levels of a row that lie side by side.
pub const QUAD: usize = 4;
/// Rows are padded with zeros to a multiple of this many levels.
pub const PAD: usize = 4 * QUAD;
/// What is added to a level so that a byte without a sign holds it.
pub const BIAS: i8 = i8::MIN;

/// A query in int8, and what bounds the error of its products.
#[derive(Debug)]
pub struct ByteQuery {
    /// Four levels each, as bytes of a little-endian number; padded with zeros to the stride of the rows.
    pub quads: Vec<i32>,
    /// What the bias of the rows adds to every sum.
    pub offset: i32,
    /// Step.
    pub scale: f32,
    /// ‖q‖.
    pub norm: f32,
    /// ‖q − q̂‖.
    pub residual: f32,
}

/// Columns of a group. A place without a row has a `residual` of NaN, so that nothing is ever above a threshold there.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Step of each row.
    pub scales: [f32; GROUP],
    /// Factor of ‖q‖ in the bound of the error.
    pub residuals: [f32; GROUP],
    /// Factor of ‖q − q̂‖ in it.
    pub norms: [f32; GROUP],
}

/// Consecutive groups that share a centre.
#[derive(Debug, Clone, Copy)]
pub struct Groups<'a> {
    /// `groups × stride × 16` biased levels.
    pub levels: &'a [u8],
    /// Of each group.
    pub columns: &'a [Columns],
}

/// A place of [`Groups`] that may score above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Place, from the first group's first row.
    pub place: usize,
    /// Approximate score.
    pub score: f32,
    /// Largest error of it.
    pub bound: f32,
}

/// Tells `push` every place whose score may be `threshold` or more, in order; `push` answers with the threshold from
/// there on. `base` is the product of the query with what the rows are relative to.
pub fn scan(query: &ByteQuery, groups: Groups<'_>, base: f32, threshold: f32, push: &mut impl FnMut(Found) -> f32) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the only requirement of the call is that the processor has both, checked above.
            #[allow(unsafe_code, reason = "calling a safe function compiled for a processor feature")]
            return unsafe { vnni::scan(query, groups, base, threshold, push) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            #[allow(unsafe_code, reason = "calling a safe function compiled for a processor feature")]
            return unsafe { avx2::scan(query, groups, base, threshold, push) };
        }
    }
    scan_portable(query, groups, base, threshold, push);
}

/// The one definition of a scan, around the sums of a processor. Sums are exact and every float is computed by itself in
/// one order, so that all kernels agree to the bit.
macro_rules! scan_with {
    ($sums:path, $query:expr, $groups:expr, $base:expr, $threshold:expr, $push:expr) => {{
        let (query, groups, base, push) = ($query, $groups, $base, $push);
        let mut threshold = $threshold;
        let bytes = query.quads.len() * QUAD * GROUP;
        for (group, (levels, columns)) in groups.levels.chunks_exact(bytes).zip(groups.columns).enumerate() {
            let sums = $sums(&query.quads, levels);
            let (score, bound) = scores(query, &sums, columns, base);
            let mut above = 0_u32;
            for lane in 0..GROUP {
                above |= u32::from(score[lane] + bound[lane] >= threshold) << lane;
            }
            while above != 0 {
                let lane = above.trailing_zeros() as usize;
                above &= above - 1;
                // What was pushed before may have raised the threshold.
                if score[lane] + bound[lane] >= threshold {
                    threshold = push(Found {
                        place: group * GROUP + lane,
                        score: score[lane],
                        bound: bound[lane],
                    });
                }
            }
        }
    }};
}

/// Scores and the bounds of their errors.
#[inline(always)]
fn scores(query: &ByteQuery, sums: &[i32; GROUP], columns: &Columns, base: f32) -> ([f32; GROUP], [f32; GROUP]) {
    let (mut score, mut bound) = ([0.0; GROUP], [0.0; GROUP]);
    for lane in 0..GROUP {
        score[lane] = base + (sums[lane] - query.offset) as f32 * (columns.scales[lane] * query.scale);
        bound[lane] = query.norm * columns.residuals[lane] + query.residual * columns.norms[lane];
    }
    (score, bound)
}

/// [`scan`] as any processor runs it.
pub fn scan_portable(
    query: &ByteQuery,
    groups: Groups<'_>,
    base: f32,
    threshold: f32,
    push: &mut impl FnMut(Found) -> f32,
) {
    scan_with!(sums_portable, query, groups, base, threshold, push);
}

#[inline(always)]
fn sums_portable(quads: &[i32], levels: &[u8]) -> [i32; GROUP] {
    let mut sums = [0; GROUP];
    for (quad, block) in quads.iter().zip(levels.as_chunks::<{ GROUP * QUAD }>().0) {
        let quad = quad.to_le_bytes().map(|byte| i32::from(byte.cast_signed()));
        for (sum, row) in sums.iter_mut().zip(block.as_chunks::<QUAD>().0) {
            for (q, level) in quad.iter().zip(row) {
                *sum += q * i32::from(*level);
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
        _mm512_storeu_si512,
    };

    use super::{ByteQuery, Found, GROUP, Groups, QUAD, scores};

    /// [`super::scan`] with AVX-512 VNNI.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn scan(query: &ByteQuery, groups: Groups<'_>, base: f32, threshold: f32, push: &mut impl FnMut(Found) -> f32) {
        scan_with!(sums, query, groups, base, threshold, push);
    }

    /// Four chains of sums, since each instruction waits four cycles for the one before it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn sums(quads: &[i32], levels: &[u8]) -> [i32; GROUP] {
        let mut chains = [_mm512_setzero_si512(); 4];
        let blocks = levels.as_chunks::<{ 4 * QUAD * GROUP }>().0;
        for (quads, block) in quads.as_chunks::<4>().0.iter().zip(blocks) {
            let parts = block.as_chunks::<{ QUAD * GROUP }>().0;
            for ((chain, part), quad) in chains.iter_mut().zip(parts).zip(quads) {
                *chain = _mm512_dpbusd_epi32(*chain, load(part), _mm512_set1_epi32(*quad));
            }
        }
        let [a, b, c, d] = chains;
        let total = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
        let mut sums = [0; GROUP];
        // SAFETY: 64 bytes are written to an array of 64 bytes; no alignment is asked for.
        #[allow(unsafe_code, reason = "a store of a whole register")]
        unsafe {
            _mm512_storeu_si512(sums.as_mut_ptr().cast(), total);
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(bytes: &[u8; QUAD * GROUP]) -> __m512i {
        // SAFETY: 64 bytes are read from an array of 64 bytes; no alignment is asked for.
        #[allow(unsafe_code, reason = "a load of a whole register")]
        unsafe {
            _mm512_loadu_si512(bytes.as_ptr().cast())
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, _mm_loadu_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
        _mm256_madd_epi16, _mm256_setzero_si256, _mm256_storeu_si256,
    };

    use super::{ByteQuery, Found, GROUP, Groups, QUAD, scores};

    /// [`super::scan`] with AVX2.
    #[target_feature(enable = "avx2")]
    pub fn scan(query: &ByteQuery, groups: Groups<'_>, base: f32, threshold: f32, push: &mut impl FnMut(Found) -> f32) {
        scan_with!(sums, query, groups, base, threshold, push);
    }

    /// Four registers of four rows each, two sums a row. Products are of 16 bits: those of bytes would saturate.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sums(quads: &[i32], levels: &[u8]) -> [i32; GROUP] {
        let mut chains = [_mm256_setzero_si256(); 4];
        for (quad, block) in quads.iter().zip(levels.as_chunks::<{ QUAD * GROUP }>().0) {
            let query = _mm256_cvtepi8_epi16(_mm_set1_epi32(*quad));
            for (chain, part) in chains.iter_mut().zip(block.as_chunks::<16>().0) {
                let rows = _mm256_cvtepu8_epi16(load(part));
                *chain = _mm256_add_epi32(*chain, _mm256_madd_epi16(rows, query));
            }
        }
        let mut halves = [[0_i32; 8]; 4];
        for (halves, chain) in halves.iter_mut().zip(chains) {
            // SAFETY: 32 bytes are written to an array of 32 bytes; no alignment is asked for.
            #[allow(unsafe_code, reason = "a store of a whole register")]
            unsafe {
                _mm256_storeu_si256(halves.as_mut_ptr().cast(), chain);
            }
        }
        let mut sums = [0; GROUP];
        for (lane, sum) in sums.iter_mut().enumerate() {
            let half = &halves[lane / 4];
            *sum = half[lane % 4 * 2] + half[lane % 4 * 2 + 1];
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: 16 bytes are read from an array of 16 bytes; no alignment is asked for.
        #[allow(unsafe_code, reason = "a load of a whole register")]
        unsafe {
            _mm_loadu_si128(bytes.as_ptr().cast())
        }
    }
}

/// [`scan`] with AVX2, where there is AVX2, else as any processor runs it: for tests on machines with more.
#[cfg(test)]
pub fn scan_narrow(
    query: &ByteQuery,
    groups: Groups<'_>,
    base: f32,
    threshold: f32,
    push: &mut impl FnMut(Found) -> f32,
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the only requirement of the call is that the processor has AVX2, checked above.
        #[allow(unsafe_code, reason = "calling a safe function compiled for a processor feature")]
        return unsafe { avx2::scan(query, groups, base, threshold, push) };
    }
    scan_portable(query, groups, base, threshold, push);
}
