//! The one hash of features: 64 bits, seeded, the same in every release and on every machine.

/// FNV-1a over `bytes` from a seeded offset, then the finaliser of MurmurHash3, so that every
/// bit of the result depends on every byte. Not cryptographic.
///
/// Rows of embedding tables depend on it: a change of one bit is a new [`SPEC_VERSION`].
///
/// ```
/// use upnext_core::hash::hash64;
/// assert_eq!(hash64(0, b""), 0xefd0_1f60_ba99_2926);
/// assert_ne!(hash64(0, b"a"), hash64(1, b"a"));
/// ```
///
/// [`SPEC_VERSION`]: crate::feature::spec::SPEC_VERSION
#[must_use]
pub fn hash64(seed: u64, bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    // The seed is mixed first: FNV of a plain xor would only shift neighbouring seeds.
    let start = if seed == 0 { OFFSET } else { OFFSET ^ mix(seed) };
    mix(bytes
        .iter()
        .fold(start, |h, byte| (h ^ u64::from(*byte)).wrapping_mul(PRIME)))
}

/// `hash` scaled into `0..buckets`; 0 where there is no bucket.
/// Uses the high bits (multiply and shift), so it is even for any bucket count.
#[must_use]
pub fn bucket(hash: u64, buckets: u32) -> u32 {
    // The product is below buckets × 2^32, so its high half fits.
    (((hash >> 32) * u64::from(buckets)) >> 32) as u32
}

/// The 64-bit finaliser of MurmurHash3: a bijection that spreads every bit.
fn mix(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}
