//! The reward model of the doubly robust estimate: mean + video + user, each drawn to zero by as many observations.
//!
//! Simple on purpose. The estimate is right with any model where propensities are; a better one makes it surer. It must not
//! know the impressions that are judged: it learns from those before them.

/// Observations that a video's or a user's own mean must outweigh.
const STRENGTH: f64 = 10.0;

/// Expected reward of a video shown to a user.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardModel {
    mean: f64,
    videos: Vec<f64>,
    users: Vec<f64>,
}

impl RewardModel {
    /// Learns from `(user row, video row, reward)`. Without any, all is 0.
    #[must_use]
    pub fn fit(users: usize, videos: usize, rows: &[(u32, u32, f64)]) -> RewardModel {
        let mean = rows.iter().map(|row| row.2).sum::<f64>() / rows.len().max(1) as f64;
        let of_videos = shrunk(videos, rows.iter().map(|(_, video, r)| (*video, r - mean)));
        let of_users = rows.iter().map(|(user, video, r)| {
            let known = of_videos.get(*video as usize).copied().unwrap_or(0.0);
            (*user, r - mean - known)
        });
        RewardModel {
            mean,
            users: shrunk(users, of_users),
            videos: of_videos,
        }
    }

    /// The expected reward; of an unknown user or video that of the others.
    #[must_use]
    pub fn expect(&self, user: u32, video: u32) -> f64 {
        let of = |table: &[f64], row: u32| table.get(row as usize).copied().unwrap_or(0.0);
        self.mean + of(&self.videos, video) + of(&self.users, user)
    }
}

/// Mean of each row's values, drawn to zero.
fn shrunk(rows: usize, values: impl Iterator<Item = (u32, f64)>) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); rows];
    for (row, value) in values {
        if let Some(sum) = sums.get_mut(row as usize) {
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| sum / (count + STRENGTH)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_videos_and_users_and_expects_the_mean_of_strangers() {
        let truth = |user: u32, video: u32| 0.5 + 0.2 * f64::from(video % 2) - 0.3 * f64::from(user % 2);
        let rows: Vec<(u32, u32, f64)> = (0..60_u32)
            .flat_map(|u| (0..60_u32).map(move |v| (u, v, truth(u, v))))
            .collect();
        let model = RewardModel::fit(60, 60, &rows);
        for (user, video, reward) in rows.iter().step_by(37) {
            assert!((model.expect(*user, *video) - reward).abs() < 0.06);
        }
        assert!((model.expect(99, 99) - 0.45).abs() < 1e-9);
        assert!(RewardModel::fit(1, 1, &[]).expect(0, 0).abs() < f64::EPSILON);
    }
}
