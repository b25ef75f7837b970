//! How much one account may ask: a bucket of tokens for each, which fills at a steady rate.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use upnext_core::bundle::sha256;

use crate::error::ApiError;

/// Accounts whose buckets are kept; beyond that the full ones are let go, which changes nothing for anybody.
const MOST_BUCKETS: usize = 100_000;

/// Tokens of every account.
#[derive(Debug)]
pub struct Limits {
    /// Requests in a second, in the long run.
    per_second: f64,
    /// Requests at once after a pause.
    burst: f64,
    // Only ever looked up by key or emptied as a whole, so its order reaches nobody. By hash: no id is kept here.
    buckets: Mutex<HashMap<[u8; 16], Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

impl Limits {
    /// `per_second` requests in the long run, `burst` at once. Both at least 1.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Limits {
        Limits {
            per_second: f64::from(per_second.max(1)),
            burst: f64::from(burst.max(1)),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token out of the key's bucket.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] when there is none, with the seconds until there is.
    pub fn take(&self, key: &str, now_ms: i64) -> Result<(), ApiError> {
        let mut low = [0; 16];
        low.copy_from_slice(&sha256(key.as_bytes())[..16]);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&low) {
            buckets.retain(|_, bucket| self.tokens(bucket, now_ms) < self.burst);
        }
        let bucket = buckets.entry(low).or_insert(Bucket {
            tokens: self.burst,
            at_ms: now_ms,
        });
        let tokens = self.tokens(bucket, now_ms);
        if tokens < 1.0 {
            let seconds = ((1.0 - tokens) / self.per_second).ceil();
            return Err(ApiError::TooManyRequests {
                retry_after_seconds: seconds as u32,
            });
        }
        *bucket = Bucket {
            tokens: tokens - 1.0,
            // A clock that goes back fills no bucket.
            at_ms: now_ms.max(bucket.at_ms),
        };
        Ok(())
    }

    fn tokens(&self, bucket: &Bucket, now_ms: i64) -> f64 {
        let passed = (now_ms - bucket.at_ms).max(0) as f64 / 1000.0;
        (bucket.tokens + passed * self.per_second).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_account_s_haste_is_no_other_s_business() {
        let limits = Limits::new(1, 2);
        assert!(limits.take("ann", 0).is_ok() && limits.take("ann", 0).is_ok());
        assert_eq!(
            limits.take("ann", 0),
            Err(ApiError::TooManyRequests { retry_after_seconds: 1 })
        );
        assert!(limits.take("bob", 0).is_ok());
        assert!(limits.take("ann", 1000).is_ok() && limits.take("ann", 1000).is_err());
    }

    proptest! {
        /// Never more than the burst and what has come since, and never refused where that much is left.
        #[test]
        fn no_more_than_burst_and_rate(
            steps in prop::collection::vec(0_i64..900, 1..200),
            per_second in 1_u32..5,
            burst in 1_u32..8,
        ) {
            let limits = Limits::new(per_second, burst);
            let (mut now, mut granted) = (0, 0);
            for step in steps {
                now += step;
                granted += u32::from(limits.take("ann", now).is_ok());
                let most = f64::from(burst) + now as f64 / 1000.0 * f64::from(per_second);
                prop_assert!(f64::from(granted) <= most + 1e-6, "{} of {}", granted, most);
            }
            let full = now + i64::from(burst) * 1000;
            for _ in 0..burst {
                prop_assert!(limits.take("ann", full).is_ok());
            }
        }
    }
}
