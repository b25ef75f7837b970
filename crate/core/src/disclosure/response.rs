//! Randomised response.

/// Cells of which a 32-bit random number names one.
const CELLS: f64 = 4_294_967_296.0;

/// k-ary randomised response: an answer that is the truth or, by chance, any bucket.
///
/// Warner, *Randomized response*, 1965, for two buckets; Kairouz, Bonawitz & Ramage, *Discrete distribution estimation under
/// local privacy*, ICML 2016, for `k`. For fewer than `3e^ε + 2` buckets its estimates vary less than those of unary
/// encodings, the optimised one included (Wang, Blocki, Li & Jha, *Locally differentially private protocols for frequency
/// estimation*, USENIX Security 2017, 4.4): at ε = 1 that is up to ten.
///
/// A random number of 32 bits names one of 2³² cells. Each bucket owns `Q` of them whatever the truth is, and what is left
/// goes to the truth, so chances are exact fractions of 2³²; floating-point noise would be another mechanism than the
/// one that was proved (Mironov, *On significance of the least significant bits for differential privacy*, CCS 2012; exact
/// Bernoulli draws: Canonne, Kamath & Steinke, *The discrete Gaussian for differential privacy*, 2020). With
/// `Q ≥ 2³² / (e^ε + k − 1)` no answer is more than `e^ε` times as likely by one truth as by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    buckets: u32,
    /// `Q`.
    cells: u32,
}

impl Response {
    /// The response over 2 to 1,000 buckets with an ε of at least a thousandth; what is outside is moved to the bound.
    ///
    /// ```
    /// use upnext_core::disclosure::Response;
    /// let response = Response::new(2, 1_000);
    /// assert!(response.epsilon() <= 1.0 && response.epsilon() > 0.999_999);
    /// // The truth comes back with a chance of e / (e + 1).
    /// assert!((response.chance_of_truth() - 0.731_058).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn new(buckets: u32, epsilon_millis: u32) -> Response {
        let buckets = buckets.clamp(2, 1_000);
        let odds = libm::exp(f64::from(epsilon_millis.max(1)) / 1000.0);
        let share = CELLS / (odds + f64::from(buckets - 1));
        // Rounded up, and one more for the rounding of `exp` and the division: ε is never above what was named.
        let cells = share as u32 + 2;
        Response { buckets, cells }
    }

    /// The answer that a random number gives where `truth` is the bucket.
    ///
    /// ```
    /// use upnext_core::disclosure::Response;
    /// let response = Response::new(4, 1_000);
    /// assert_eq!((response.answer(3, 0), response.answer(3, u32::MAX)), (0, 3));
    /// ```
    #[must_use]
    pub const fn answer(self, truth: u32, random: u32) -> u32 {
        let told = random / self.cells;
        if told < self.buckets { told } else { truth }
    }

    /// Number of buckets.
    #[must_use]
    pub const fn buckets(self) -> u32 {
        self.buckets
    }

    /// `q`: the chance of a bucket that is not the truth.
    #[must_use]
    pub fn chance_of_other(self) -> f64 {
        f64::from(self.cells) / CELLS
    }

    /// `p`: the chance of the truth.
    #[must_use]
    pub fn chance_of_truth(self) -> f64 {
        1.0 - f64::from(self.buckets - 1) * self.chance_of_other()
    }

    /// ε as it is: `ln(p / q)`, at most what was named.
    #[must_use]
    pub fn epsilon(self) -> f64 {
        libm::log(self.chance_of_truth() / self.chance_of_other())
    }
}
