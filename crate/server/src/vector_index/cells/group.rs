//! Scores of groups of 16 rows in four bits a value. The rows of a group lie interleaved, so that one instruction of AVX-512
//! VNNI (`vpdpbusd`) adds four products to each of 16 sums, and no sum is ever taken across lanes.
//!
//! A scan is bound by what it reads. Half a byte a value is half of what int8 would be, and a scale for the whole group, not for
//! each row, saves as much again as it would cost: rows of a group have about the same length ([`super::build`]).

use crate::prefetch::prefetch;

/// Rows that are scored together.
pub const GROUP: usize = 16;
/// Values of a row whose levels lie side by side: in the lower halves of four bytes, and the next four in the upper halves.
pub const QUAD: usize = 4;
/// Rows are padded with zeros to a multiple of this many values.
pub const PAD: usize = 4 * QUAD;
/// What is added to a level, so that half a byte without a sign holds it: levels are −8 to 7.
pub const BIAS: i8 = 8;
/// Bytes in which eight values of each row of a group lie.
pub const BLOCK: usize = QUAD * GROUP;

/// Groups that are brought near while one is scored.
const AHEAD: usize = 4;

/// A query in int8, and what bounds the error of its products.
#[derive(Debug)]
pub struct ByteQuery {
    /// Four levels each, as bytes of a little-endian number; padded with zeros to the stride of the rows.
    pub quads: Vec<i32>,
    /// What the bias of the rows adds to every sum.
    pub offset: i32,
    /// Step.
    pub scale: f32,
    /// Factor of [`Columns::reach`] in the bound: ‖q‖ where nothing may be lost, else 0.
    pub reach: f32,
    /// Factor of [`Columns::deviation`] in it.
    pub deviation: f32,
    /// Factor of [`Columns::norm`] in it: ‖q − q̂‖ where nothing may be lost, else 0.
    pub residual: f32,
}

impl ByteQuery {
    /// By how much a score of the group may be off.
    #[inline(always)]
    fn bound(&self, columns: &Columns) -> f32 {
        self.reach * columns.reach + self.deviation * columns.deviation + self.residual * columns.norm
    }
}

/// What the rows of a group have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Columns {
    /// Step.
    pub scale: f32,
    /// The largest ‖v − v̂‖.
    pub reach: f32,
    /// The root of the mean square of `v − v̂`, over values.
    pub deviation: f32,
    /// The largest ‖v̂‖.
    pub norm: f32,
}

/// Consecutive groups that share a centre.
#[derive(Debug, Clone, Copy)]
pub struct Groups<'a> {
    /// `groups × stride / 8` blocks.
    pub levels: &'a [u8],
    /// Of each group.
    pub columns: &'a [Columns],
}

impl Groups<'_> {
    /// Begins to bring the first groups near.
    pub fn expect(&self) {
        let bytes = self.levels.len() / self.columns.len().max(1);
        prefetch(&self.levels[..bytes * self.columns.len().min(AHEAD)]);
        prefetch(self.columns);
    }

    /// Begins to bring near what will be scored some groups later.
    #[inline(always)]
    fn expect_after(&self, group: usize, bytes: usize) {
        let start = (group + AHEAD) * bytes;
        prefetch(self.levels.get(start..start + bytes).unwrap_or_default());
    }
}

/// Writes the level of a value of a row into its group.
pub fn put(group: &mut [u8], lane: usize, value: usize, level: i8) {
    let byte = &mut group[value / (2 * QUAD) * BLOCK + lane * QUAD + value % QUAD];
    let half = (level + BIAS).cast_unsigned() & 15;
    *byte = match value / QUAD % 2 {
        0 => *byte & 0xF0 | half,
        _ => *byte & 0x0F | half << 4,
    };
}

/// A byte of two levels of 0.
pub const ZEROS: u8 = BIAS.cast_unsigned() << 4 | BIAS.cast_unsigned();

/// A place of [`Groups`] that may score above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Place, from the first group's first row.
    pub place: usize,
    /// Approximate score.
    pub score: f32,
    /// How far it may be off.
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

/// The one definition of a scan, around the scores of a processor: `$scores` answers with those of a group and, as bits,
/// which of them may reach the threshold. Sums are exact and every float is computed by itself in one order, so that all
/// kernels agree to the bit.
macro_rules! scan_with {
    ($scores:expr, $query:expr, $groups:expr, $base:expr, $threshold:expr, $push:expr) => {{
        let (query, groups, base, push, of_group) = ($query, $groups, $base, $push, $scores);
        let mut threshold = $threshold;
        let bytes = query.quads.len() / 2 * BLOCK;
        for (group, (levels, columns)) in groups.levels.chunks_exact(bytes).zip(groups.columns).enumerate() {
            groups.expect_after(group, bytes);
            let line = Line {
                step: columns.scale * query.scale,
                base,
                bound: query.bound(columns),
                threshold,
            };
            let (score, mut above) = of_group(levels, line);
            while above != 0 {
                let lane = above.trailing_zeros() as usize;
                above &= above - 1;
                // What was pushed before may have raised the threshold.
                if score[lane] + line.bound >= threshold {
                    threshold = push(Found {
                        place: group * GROUP + lane,
                        score: score[lane],
                        bound: line.bound,
                    });
                }
            }
        }
    }};
}

/// What makes a score of a sum: `base + sum × step`, which may be off by `bound`.
#[derive(Debug, Clone, Copy)]
struct Line {
    step: f32,
    base: f32,
    bound: f32,
    threshold: f32,
}

impl Line {
    #[inline(always)]
    fn scores(self, sums: &[i32; GROUP], offset: i32) -> ([f32; GROUP], u32) {
        let mut score = [0.0; GROUP];
        let mut above = 0_u32;
        for lane in 0..GROUP {
            score[lane] = self.base + (sums[lane] - offset) as f32 * self.step;
            above |= u32::from(score[lane] + self.bound >= self.threshold) << lane;
        }
        (score, above)
    }
}

/// [`scan`] as any processor runs it.
pub fn scan_portable(
    query: &ByteQuery,
    groups: Groups<'_>,
    base: f32,
    threshold: f32,
    push: &mut impl FnMut(Found) -> f32,
) {
    let scores = |levels: &[u8], line: Line| line.scores(&sums_portable(&query.quads, levels), query.offset);
    scan_with!(scores, query, groups, base, threshold, push);
}

#[inline(always)]
fn sums_portable(quads: &[i32], levels: &[u8]) -> [i32; GROUP] {
    let mut sums = [0; GROUP];
    for (pair, block) in quads.as_chunks::<2>().0.iter().zip(levels.as_chunks::<BLOCK>().0) {
        let [lower, upper] = pair.map(|quad| quad.to_le_bytes().map(|byte| i32::from(byte.cast_signed())));
        for (sum, row) in sums.iter_mut().zip(block.as_chunks::<QUAD>().0) {
            for ((lower, upper), byte) in lower.iter().zip(&upper).zip(row) {
                *sum += lower * i32::from(byte & 15) + upper * i32::from(byte >> 4);
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    use std::arch::x86_64::{
        __m512i, _CMP_GE_OQ, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps,
        _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_setzero_si512, _mm512_srai_epi32, _mm512_storeu_ps, _mm512_sub_epi32,
    };

    use super::{BLOCK, ByteQuery, Found, GROUP, Groups, Line};

    /// [`super::scan`] with AVX-512 VNNI.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn scan(query: &ByteQuery, groups: Groups<'_>, base: f32, threshold: f32, push: &mut impl FnMut(Found) -> f32) {
        match query.quads.first_chunk::<16>() {
            // The width in use: its query stays in registers for all groups.
            Some(quads) if query.quads.len() == 16 => {
                let mut wide = [_mm512_setzero_si512(); 16];
                for (wide, quad) in wide.iter_mut().zip(quads) {
                    *wide = _mm512_set1_epi32(*quad);
                }
                scan_with!(
                    |levels: &[u8], line: Line| scores(fixed(&wide, levels), query.offset, line),
                    query,
                    groups,
                    base,
                    threshold,
                    push
                );
            }
            _ => scan_with!(
                |levels: &[u8], line: Line| scores(any(&query.quads, levels), query.offset, line),
                query,
                groups,
                base,
                threshold,
                push
            ),
        }
    }

    /// Sums of each row's lower halves, and of its upper halves times 16: these are not shifted before they are multiplied.
    struct Sums([__m512i; 4]);

    impl Sums {
        #[inline]
        #[target_feature(enable = "avx512f,avx512vnni")]
        fn new() -> Sums {
            Sums([_mm512_setzero_si512(); 4])
        }

        /// Adds two blocks. Four chains of sums, since each instruction waits four cycles for the one before it.
        #[inline]
        #[target_feature(enable = "avx512f,avx512vnni")]
        fn add(&mut self, quads: [__m512i; 4], blocks: &[u8; 2 * BLOCK]) {
            let (lower, upper) = (_mm512_set1_epi8(0x0F), _mm512_set1_epi8(0xF0_u8.cast_signed()));
            let [first, second] = [load(blocks, 0), load(blocks, BLOCK)];
            let [a, b, c, d] = &mut self.0;
            *a = _mm512_dpbusd_epi32(*a, _mm512_and_si512(first, lower), quads[0]);
            *b = _mm512_dpbusd_epi32(*b, _mm512_and_si512(first, upper), quads[1]);
            *c = _mm512_dpbusd_epi32(*c, _mm512_and_si512(second, lower), quads[2]);
            *d = _mm512_dpbusd_epi32(*d, _mm512_and_si512(second, upper), quads[3]);
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512vnni")]
        fn total(self) -> __m512i {
            let [a, b, c, d] = self.0;
            let upper = _mm512_srai_epi32::<4>(_mm512_add_epi32(b, d));
            _mm512_add_epi32(_mm512_add_epi32(a, c), upper)
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn fixed(quads: &[__m512i; 16], levels: &[u8]) -> __m512i {
        let mut sums = Sums::new();
        let blocks = levels.as_chunks::<{ 2 * BLOCK }>().0;
        for (quads, blocks) in quads.as_chunks::<4>().0.iter().zip(blocks) {
            sums.add(*quads, blocks);
        }
        sums.total()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn any(quads: &[i32], levels: &[u8]) -> __m512i {
        let mut sums = Sums::new();
        let blocks = levels.as_chunks::<{ 2 * BLOCK }>().0;
        for ([a, b, c, d], blocks) in quads.as_chunks::<4>().0.iter().zip(blocks) {
            let quads = [
                _mm512_set1_epi32(*a),
                _mm512_set1_epi32(*b),
                _mm512_set1_epi32(*c),
                _mm512_set1_epi32(*d),
            ];
            sums.add(quads, blocks);
        }
        sums.total()
    }

    /// [`Line::scores`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn scores(sums: __m512i, offset: i32, line: Line) -> ([f32; GROUP], u32) {
        let sums = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, _mm512_set1_epi32(offset)));
        let score = _mm512_add_ps(
            _mm512_set1_ps(line.base),
            _mm512_mul_ps(sums, _mm512_set1_ps(line.step)),
        );
        let most = _mm512_add_ps(score, _mm512_set1_ps(line.bound));
        let above = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(most, _mm512_set1_ps(line.threshold));
        let mut scores = [0.0; GROUP];
        if above != 0 {
            // SAFETY: 64 bytes are written to an array of 64 bytes; no alignment is asked for.
            #[allow(unsafe_code, reason = "a store of a whole register")]
            unsafe {
                _mm512_storeu_ps(scores.as_mut_ptr(), score);
            }
        }
        (scores, u32::from(above))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(bytes: &[u8; 2 * BLOCK], at: usize) -> __m512i {
        let block = bytes[at..].first_chunk::<BLOCK>().unwrap_or(&[0; BLOCK]);
        // SAFETY: 64 bytes are read from an array of 64 bytes; no alignment is asked for.
        #[allow(unsafe_code, reason = "a load of a whole register")]
        unsafe {
            _mm512_loadu_si512(block.as_ptr().cast())
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
        _mm256_srli_epi16, _mm256_storeu_si256,
    };

    use super::{BLOCK, ByteQuery, Found, GROUP, Groups, Line};

    /// [`super::scan`] with AVX2.
    #[target_feature(enable = "avx2")]
    pub fn scan(query: &ByteQuery, groups: Groups<'_>, base: f32, threshold: f32, push: &mut impl FnMut(Found) -> f32) {
        scan_with!(
            |levels: &[u8], line: Line| line.scores(&sums(&query.quads, levels), query.offset),
            query,
            groups,
            base,
            threshold,
            push
        );
    }

    /// Two registers of eight rows. Products of bytes are added in 16 bits: four of at most 15 × 127 are far from saturating.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sums(quads: &[i32], levels: &[u8]) -> [i32; GROUP] {
        let half = _mm256_set1_epi8(0x0F);
        let mut chains = [_mm256_setzero_si256(); 2];
        for (pair, block) in quads.as_chunks::<2>().0.iter().zip(levels.as_chunks::<BLOCK>().0) {
            let [lower, upper] = [_mm256_set1_epi32(pair[0]), _mm256_set1_epi32(pair[1])];
            for (chain, part) in chains.iter_mut().zip(block.as_chunks::<32>().0) {
                let levels = load(part);
                let first = _mm256_maddubs_epi16(_mm256_and_si256(levels, half), lower);
                let second = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16::<4>(levels), half), upper);
                let both = _mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1));
                *chain = _mm256_add_epi32(*chain, both);
            }
        }
        let mut sums = [0; GROUP];
        for (sums, chain) in sums.as_chunks_mut::<8>().0.iter_mut().zip(chains) {
            // SAFETY: 32 bytes are written to an array of 32 bytes; no alignment is asked for.
            #[allow(unsafe_code, reason = "a store of a whole register")]
            unsafe {
                _mm256_storeu_si256(sums.as_mut_ptr().cast(), chain);
            }
        }
        sums
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: 32 bytes are read from an array of 32 bytes; no alignment is asked for.
        #[allow(unsafe_code, reason = "a load of a whole register")]
        unsafe {
            _mm256_loadu_si256(bytes.as_ptr().cast())
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
