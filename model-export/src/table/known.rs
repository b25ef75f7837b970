//! A data set as it was at an instant.

use super::{Builder, Dataset, Interaction, Meta, NONE, User, Video};

impl Dataset {
    /// What was known at an instant, Unix milliseconds: videos that were published before it, or nobody knows when;
    /// interactions before it, of those videos and of searches; users with one of these. The split is left out, as its
    /// instants may lie ahead.
    ///
    /// ```
    /// use upnext_export::simulate::{DAY_MS, Options, START_MS, simulate};
    /// let options = Options { users: 40, videos: 60, days: 28, seed: 1, drifting: 0.0 };
    /// let (whole, _) = simulate(&options)?;
    /// let half = START_MS + 14 * DAY_MS;
    /// let known = whole.known_at(half);
    /// assert_eq!(known.interactions.len(), whole.interactions.before(half));
    /// assert!(known.videos.len() < whole.videos.len() && known.meta.split.is_none());
    /// # Ok::<(), upnext_export::Error>(())
    /// ```
    #[must_use]
    pub fn known_at(&self, at_ms: i64) -> Dataset {
        let (videos, users, table) = (&self.videos, &self.users, &self.interactions);
        let mut builder = Builder::new(Meta {
            split: None,
            ..self.meta.clone()
        });
        let published = |row: &usize| videos.published_at_ms[*row].is_none_or(|at| at < at_ms);
        let mut video_rows = vec![NONE; videos.len()];
        for row in (0..videos.len()).filter(published) {
            let tags: Vec<&str> = videos.tags.get(row).collect();
            let regions: Vec<&str> = videos.regions.get(row).collect();
            let added = builder.video(&Video {
                id: videos.ids.name(row as u32),
                title: videos.title[row].as_deref(),
                tags: &tags,
                length_seconds: videos.length_seconds[row],
                language: videos.language.get(row),
                rating: videos.rating.get(row),
                channel: videos.channel.get(row),
                published_at_ms: videos.published_at_ms[row],
                likes: videos.likes[row],
                comments: videos.comments[row],
                views: videos.views[row],
                regions: &regions,
                content_hash: videos.content_hash[row].as_deref(),
            });
            video_rows[row] = added.unwrap_or(NONE);
        }
        let is_known = |row: &usize| {
            let video = table.video[*row];
            video == NONE || video_rows.get(video as usize).is_some_and(|row| *row != NONE)
        };
        let rows: Vec<usize> = (0..table.before(at_ms)).filter(is_known).collect();
        let mut did_something = vec![false; users.len()];
        rows.iter()
            .for_each(|row| did_something[table.user[*row] as usize] = true);
        let mut user_rows = vec![NONE; users.len()];
        for row in (0..users.len()).filter(|row| did_something[*row]) {
            let added = builder.user(&User {
                id: users.ids.name(row as u32),
                age: users.age[row],
                gender: users.gender.get(row),
                latitude: users.latitude[row],
                longitude: users.longitude[row],
                username: users.username[row].as_deref(),
                language: users.language.get(row),
                time_zone: users.time_zone.get(row),
            });
            user_rows[row] = added.unwrap_or(NONE);
        }
        for row in rows {
            let video = video_rows.get(table.video[row] as usize).copied().unwrap_or(NONE);
            builder.interaction(&Interaction {
                user: user_rows[table.user[row] as usize],
                video,
                kind: table.kind[row],
                seconds: table.seconds[row],
                text: table.text.get(row),
                at_ms: table.at_ms[row],
                latitude: table.latitude[row],
                longitude: table.longitude[row],
                device: table.device.get(row),
                surface: table.surface.get(row),
                position: table.position[row],
                relevant: table.relevant[row],
                propensity: table.propensity[row],
            });
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::simulate::{DAY_MS, Options, START_MS, simulate};
    use crate::table::{Dataset, NONE};

    const SMALL: Options = Options {
        users: 60,
        videos: 90,
        days: 28,
        seed: 2,
        drifting: 0.0,
    };

    /// What a row says, by ids instead of rows.
    fn told(data: &Dataset, row: usize) -> (String, Option<String>, i64, String, Option<f32>, Option<f32>) {
        let table = &data.interactions;
        let video = Some(table.video[row]).filter(|video| *video != NONE);
        (
            data.users.ids.name(table.user[row]).to_owned(),
            video.map(|video| data.videos.ids.name(video).to_owned()),
            table.at_ms[row],
            table.kind[row].as_str().to_owned(),
            table.seconds[row],
            table.propensity[row],
        )
    }

    #[test]
    fn what_was_known_is_the_beginning_of_what_is_known() {
        let (whole, _) = simulate(&SMALL).unwrap();
        for days in [1, 9, 14, 28] {
            let at_ms = START_MS + days * DAY_MS;
            let known = whole.known_at(at_ms);
            let before = whole.interactions.before(at_ms);
            assert_eq!(known.interactions.len(), before, "a log is of what is published");
            assert!((0..before).all(|row| told(&known, row) == told(&whole, row)));
            let published = whole.videos.published_at_ms.iter().filter(|at| at.unwrap() < at_ms);
            assert_eq!(known.videos.len(), published.count());
            for row in 0..known.videos.len() {
                let there = whole.videos.ids.row(known.videos.ids.name(row as u32)).unwrap() as usize;
                assert_eq!(known.videos.title[row], whole.videos.title[there]);
                let tags =
                    |data: &Dataset, row: usize| data.videos.tags.get(row).map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(tags(&known, row), tags(&whole, there));
            }
            let active: std::collections::BTreeSet<u32> = whole.interactions.user[..before].iter().copied().collect();
            assert_eq!(known.users.len(), active.len(), "only users who did something");
        }
        assert_eq!(whole.known_at(START_MS - 400 * DAY_MS).interactions.len(), 0);
    }
}
