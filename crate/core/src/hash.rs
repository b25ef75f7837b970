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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers() {
        assert_eq!(hash64(0, b"a"), 0x82a2_a958_a9be_ce5b);
        assert_eq!(hash64(1, b"a"), 0x73e0_6e57_4120_228a);
        assert_eq!(hash64(0, b"foobar"), 0x2c22_1949_22d1_672b);
        assert_eq!(hash64(1 << 63, b""), 0xf999_4972_b28e_0566);
        assert_eq!(hash64(42, "видео".as_bytes()), 0x3355_6771_01ac_881d);
    }

    #[test]
    fn buckets_fill_evenly_for_counts_that_are_no_power_of_two() {
        for buckets in [3_u32, 10, 97] {
            let mut filled = vec![0_u32; buckets as usize];
            let n = 1000 * buckets;
            for i in 0..n {
                filled[bucket(hash64(7, &i.to_le_bytes()), buckets) as usize] += 1;
            }
            // Chi-squared of a fair die stays within mean + 6 standard deviations.
            let chi: f64 = filled.iter().map(|f| (f64::from(*f) - 1000.0).powi(2) / 1000.0).sum();
            let freedom = f64::from(buckets - 1);
            assert!(
                chi < freedom + 6.0 * (2.0 * freedom).sqrt(),
                "{buckets} buckets: chi² {chi}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_its_range(hash: u64, buckets in 1..=u32::MAX) {
            prop_assert!(bucket(hash, buckets) < buckets);
        }

        #[test]
        fn one_changed_bit_changes_about_half_of_the_hash(bytes in prop::collection::vec(any::<u8>(), 1..40), bit: u16, seed: u64) {
            let mut changed = bytes.clone();
            let bit = usize::from(bit) % (8 * bytes.len());
            changed[bit / 8] ^= 1 << (bit % 8);
            let differ = (hash64(seed, &bytes) ^ hash64(seed, &changed)).count_ones();
            prop_assert!((8..=56).contains(&differ), "{differ} bits");
        }
    }
}
