//! Location: the nearest of the train split's centroids, on the sphere.

use crate::feature::spec::Centroids;

impl Centroids {
    /// Number of rows: unknown, and the centroids.
    #[must_use]
    pub fn rows(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// `1 +` the index of the nearest centroid to `(latitude, longitude)` in degrees, ties to the
    /// first; unknown, not finite or off the globe is row 0.
    ///
    /// ```
    /// use upnext_core::feature::spec::Centroids;
    /// let c = Centroids { points: vec![[52.5, 13.4], [-17.7, 178.1]] };
    /// // Samoa is across the date line from Fiji.
    /// assert_eq!(c.row(Some((-13.8, -171.8))), 2);
    /// assert_eq!(c.row(Some((91.0, 0.0))), 0);
    /// ```
    #[must_use]
    pub fn row(&self, place: Option<(f32, f32)>) -> u32 {
        let Some((latitude, longitude)) = place.filter(|(lat, lon)| on_globe(*lat, *lon)) else {
            return 0;
        };
        let here = unit_vector(latitude, longitude);
        let mut best = (f64::NEG_INFINITY, 0);
        for (row, [lat, lon]) in (1..).zip(&self.points) {
            // The cosine of the angle: on a sphere the nearest point has the largest.
            let there = unit_vector(*lat, *lon);
            let cosine = here[0] * there[0] + here[1] * there[1] + here[2] * there[2];
            if cosine > best.0 {
                best = (cosine, row);
            }
        }
        best.1
    }
}

/// Whether latitude and longitude are finite and within ±90° and ±180°.
#[must_use]
pub fn on_globe(latitude: f32, longitude: f32) -> bool {
    latitude.abs() <= 90.0 && longitude.abs() <= 180.0
}

/// The point of the unit sphere at these degrees; k-means over users works on these too.
#[must_use]
pub fn unit_vector(latitude: f32, longitude: f32) -> [f64; 3] {
    let (phi, lambda) = (f64::from(latitude).to_radians(), f64::from(longitude).to_radians());
    let (sin_phi, cos_phi) = libm::sincos(phi);
    let (sin_lambda, cos_lambda) = libm::sincos(lambda);
    [cos_phi * cos_lambda, cos_phi * sin_lambda, sin_phi]
}
