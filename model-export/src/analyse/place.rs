//! Clusters of places: spherical k-means.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use upnext_core::feature::spec::Centroids;
use upnext_core::feature::{on_globe, unit_vector};

/// Places that are looked at; more tell nothing new about a few dozen clusters.
const MOST_PLACES: usize = 20_000;
const SWEEPS: usize = 20;

/// At most `most` centroids of places in degrees, seeded; fewer where there are fewer places.
pub fn centroids(places: impl Iterator<Item = (f32, f32)>, most: usize, seed: u64) -> Centroids {
    let all: Vec<[f64; 3]> = places
        .filter(|(lat, lon)| on_globe(*lat, *lon))
        .map(|(lat, lon)| unit_vector(lat, lon))
        .collect();
    let stride = all.len().div_ceil(MOST_PLACES).max(1);
    let points: Vec<[f64; 3]> = all.into_iter().step_by(stride).collect();
    let mut centres = spread(&points, most, seed);
    for _ in 0..SWEEPS {
        let mut sums = vec![[0.0; 3]; centres.len()];
        for point in &points {
            let (nearest, _) = nearest(&centres, point);
            sums[nearest].iter_mut().zip(point).for_each(|(s, p)| *s += p);
        }
        let moved: Vec<[f64; 3]> = sums
            .iter()
            .zip(&centres)
            .map(|(sum, old)| on_sphere(*sum).unwrap_or(*old))
            .collect();
        if moved == centres {
            break;
        }
        centres = moved;
    }
    Centroids {
        points: centres.iter().map(|c| degrees(*c)).collect(),
    }
}

/// First centres, each far from the ones before (k-means++).
fn spread(points: &[[f64; 3]], most: usize, seed: u64) -> Vec<[f64; 3]> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut centres: Vec<[f64; 3]> = points.first().copied().into_iter().collect();
    let mut far: Vec<f64> = points.iter().map(|p| distance(p, centres.first())).collect();
    while centres.len() < most {
        let total: f64 = far.iter().sum();
        // A metre on the Earth is 1.6e-7 of its radius.
        if total <= points.len() as f64 * 1e-13 {
            break;
        }
        let mut left = rng.random::<f64>() * total;
        let chosen = far.iter().position(|d| {
            left -= d;
            left <= 0.0 && *d > 0.0
        });
        let Some(centre) = chosen.and_then(|at| points.get(at)) else {
            break;
        };
        centres.push(*centre);
        far.iter_mut()
            .zip(points)
            .for_each(|(d, p)| *d = d.min(distance(p, Some(centre))));
    }
    centres
}

/// `1 − cosine`.
fn distance(point: &[f64; 3], centre: Option<&[f64; 3]>) -> f64 {
    centre.map_or(2.0, |c| (1.0 - dot(point, c)).max(0.0))
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn nearest(centres: &[[f64; 3]], point: &[f64; 3]) -> (usize, f64) {
    centres.iter().enumerate().fold((0, f64::MIN), |best, (i, centre)| {
        let near = dot(centre, point);
        if near > best.1 { (i, near) } else { best }
    })
}

fn on_sphere(sum: [f64; 3]) -> Option<[f64; 3]> {
    let length = dot(&sum, &sum).sqrt();
    (length > 1e-9).then(|| sum.map(|v| v / length))
}

/// Latitude and longitude of a unit vector, as [`unit_vector`] reads them.
fn degrees([x, y, z]: [f64; 3]) -> [f32; 2] {
    [
        z.clamp(-1.0, 1.0).asin().to_degrees() as f32,
        y.atan2(x).to_degrees() as f32,
    ]
}
