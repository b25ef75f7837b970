//! Location: the nearest of the train split's centroids, on the sphere.

use core::f64::consts::{FRAC_PI_2, PI};

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
    [cos(phi) * cos(lambda), cos(phi) * sin(lambda), sin(phi)]
}

/// The sine of −π..=π, to twelve digits: a library's, which takes angles of any size, is as long as the rest of the
/// user's encoder.
fn sin(angle: f64) -> f64 {
    // Around a quarter turn the sine is even.
    let near = if angle.abs() > FRAC_PI_2 {
        PI.copysign(angle) - angle
    } else {
        angle
    };
    let (mut term, mut sum) = (near, near);
    for place in [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0] {
        term *= -(near * near) / (place * (place + 1.0));
        sum += term;
    }
    sum
}

fn cos(angle: f64) -> f64 {
    sin(FRAC_PI_2 - angle.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sine_and_cosine_are_those_of_the_library(angle in -PI..=PI) {
            prop_assert!((sin(angle) - angle.sin()).abs() < 1e-12);
            prop_assert!((cos(angle) - angle.cos()).abs() < 1e-12);
        }
    }

    /// Great-circle distance in degrees, by the haversine formula.
    fn haversine(a: [f32; 2], b: [f32; 2]) -> f64 {
        let [lat_a, lon_a, lat_b, lon_b] = [a[0], a[1], b[0], b[1]].map(|d| f64::from(d).to_radians());
        let half = |d: f64| (d / 2.0).sin().powi(2);
        let h = half(lat_b - lat_a) + lat_a.cos() * lat_b.cos() * half(lon_b - lon_a);
        (2.0 * h.sqrt().min(1.0).asin()).to_degrees()
    }

    #[test]
    fn at_the_pole_longitude_does_not_matter() {
        let c = Centroids {
            points: vec![[80.0, 0.0], [70.0, 180.0]],
        };
        for longitude in [-180.0, -90.0, 0.0, 179.0] {
            assert_eq!(c.row(Some((90.0, longitude))), 1);
        }
    }

    #[test]
    fn a_tie_goes_to_the_first() {
        let c = Centroids {
            points: vec![[10.0, 20.0], [10.0, 20.0]],
        };
        assert_eq!(c.row(Some((10.0, 20.0))), 1);
    }

    #[test]
    fn off_the_globe_and_not_finite_are_unknown() {
        let c = Centroids {
            points: vec![[0.0, 0.0]],
        };
        for place in [(90.1, 0.0), (0.0, -180.1), (f32::NAN, 0.0), (0.0, f32::INFINITY)] {
            assert_eq!(c.row(Some(place)), 0);
        }
        assert_eq!((c.row(None), Centroids::default().row(Some((1.0, 1.0)))), (0, 0));
    }

    proptest! {
        #[test]
        fn the_row_is_the_nearest_by_haversine(
            points in prop::collection::vec([-90.0..=90.0_f32, -180.0..=180.0_f32], 1..20),
            lat in -90.0..=90.0_f32, lon in -180.0..=180.0_f32,
        ) {
            let centroids = Centroids { points };
            let row = centroids.row(Some((lat, lon))) as usize;
            prop_assert!(row >= 1 && row < centroids.rows() as usize);
            let chosen = haversine(centroids.points[row - 1], [lat, lon]);
            let nearest = centroids.points.iter().map(|p| haversine(*p, [lat, lon])).fold(f64::MAX, f64::min);
            // Antipodes cost the haversine half its digits.
            prop_assert!(chosen <= nearest + 1e-5, "{chosen} and {nearest}");
        }
    }
}
