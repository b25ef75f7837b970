//! The data set in memory.

use upnext_core::{Context, EventKind, Profile, fraction_watched};

use super::{Category, Ids, Lists, Meta, NONE, Zones};

/// Columns of the videos table; row `i` everywhere is the same video.
#[derive(Debug, Clone, Default)]
pub struct Videos {
    /// Rows and ids.
    pub ids: Ids,
    /// Title.
    pub title: Vec<Option<Box<str>>>,
    /// Tags in table order.
    pub tags: Lists,
    /// Length in seconds, > 0.
    pub length_seconds: Vec<Option<f32>>,
    /// BCP 47.
    pub language: Category,
    /// Age rating.
    pub rating: Category,
    /// Channel.
    pub channel: Category,
    /// Unix milliseconds.
    pub published_at_ms: Vec<Option<i64>>,
    /// Likes, as of the table's snapshot.
    pub likes: Vec<Option<f32>>,
    /// Comments, as of the table's snapshot.
    pub comments: Vec<Option<f32>>,
    /// Views, as of the table's snapshot.
    pub views: Vec<Option<f32>>,
    /// Regions where it may be shown; empty: unknown.
    pub regions: Lists,
    /// Content hash, any text: videos with equal ones are the same to look at.
    pub content_hash: Vec<Option<Box<str>>>,
}

/// Columns of the users table.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// Rows and ids.
    pub ids: Ids,
    /// Years.
    pub age: Vec<Option<f32>>,
    /// Gender as the site names it.
    pub gender: Category,
    /// Degrees north.
    pub latitude: Vec<Option<f32>>,
    /// Degrees east.
    pub longitude: Vec<Option<f32>>,
    /// User name.
    pub username: Vec<Option<Box<str>>>,
    /// BCP 47.
    pub language: Category,
    /// IANA name.
    pub time_zone: Category,
}

/// Columns of the interactions table, sorted by (timestamp, table row).
#[derive(Debug, Clone, Default)]
pub struct Interactions {
    /// Row in [`Users`].
    pub user: Vec<u32>,
    /// Row in [`Videos`], or [`NONE`] for a search.
    pub video: Vec<u32>,
    /// What happened.
    pub kind: Vec<EventKind>,
    /// Seconds watched, of a watch.
    pub seconds: Vec<Option<f32>>,
    /// Text of a comment or a search.
    pub text: Category,
    /// Unix milliseconds, never falling.
    pub at_ms: Vec<i64>,
    /// Degrees north.
    pub latitude: Vec<Option<f32>>,
    /// Degrees east.
    pub longitude: Vec<Option<f32>>,
    /// Kind of device.
    pub device: Category,
    /// Surface.
    pub surface: Category,
    /// Position in the slate that was shown, from 0.
    pub position: Vec<Option<u32>>,
    /// The source log's own judgement of relevance, where it has one and no seconds.
    pub relevant: Vec<Option<bool>>,
    /// Of an impression: the chance with which the logging policy showed this video and no other at this place,
    /// as the table has it. Whoever reads it checks that it is over 0 and at most 1.
    pub propensity: Vec<Option<f32>>,
}

/// Tables, their name and defaults.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// `dataset.json`.
    pub meta: Meta,
    /// Videos.
    pub videos: Videos,
    /// Users.
    pub users: Users,
    /// Interactions.
    pub interactions: Interactions,
    pub(super) zones: Zones,
}

impl Videos {
    /// Number of videos.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Users {
    /// Number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Interactions {
    /// Number of interactions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at_ms.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at_ms.is_empty()
    }

    /// Number of interactions before an instant: they are rows `0..n`.
    #[must_use]
    pub fn before(&self, at_ms: i64) -> usize {
        self.at_ms.partition_point(|t| *t < at_ms)
    }
}

impl Dataset {
    /// Fraction watched of an interaction, 0..=1. Where the log has no seconds and judges for itself
    /// ([`Interactions::relevant`]), relevant counts as the whole video and irrelevant as nothing of it.
    #[must_use]
    pub fn fraction(&self, row: usize) -> Option<f32> {
        let table = &self.interactions;
        if table.kind[row] != EventKind::Watch {
            return None;
        }
        let length = self.length_of(table.video[row]);
        let judged = table.relevant[row].map(|relevant| if relevant { 1.0 } else { 0.0 });
        fraction_watched(table.seconds[row], length).or(judged)
    }

    /// Length of a video row; unknown for [`NONE`].
    #[must_use]
    pub fn length_of(&self, video: u32) -> Option<f32> {
        self.videos.length_seconds.get(video as usize).copied().flatten()
    }

    /// The moment of an interaction, as the device would have known it.
    #[must_use]
    pub fn context(&self, row: usize) -> Context {
        let table = &self.interactions;
        Context {
            now_ms: table.at_ms[row],
            utc_offset_minutes: self.utc_offset_minutes(table.user[row], table.at_ms[row]),
            device: table.device.get(row).map(str::to_owned),
            surface: table.surface.get(row).map(str::to_owned),
            local_time: None,
        }
    }

    /// Offset of a user's clock at an instant: of their time zone, else of the data set's.
    #[must_use]
    pub fn utc_offset_minutes(&self, user: u32, at_ms: i64) -> Option<i32> {
        self.zones
            .offset_minutes(self.users.time_zone.code(user as usize), at_ms)
    }

    /// Nobody has a clock: for tests of what is left without one.
    #[cfg(test)]
    pub(crate) fn forget_clocks(&mut self) {
        self.meta.time_zone = None;
        let mut nothing = Category::default();
        (0..self.users.len()).for_each(|_| nothing.push(None));
        self.zones = Zones::resolve(&nothing, None);
        self.users.time_zone = nothing;
    }

    /// What the device of this user knows about them, with the place of an interaction where that is known.
    #[must_use]
    pub fn profile(&self, user: u32, interaction: Option<usize>) -> Profile {
        let (users, row) = (&self.users, user as usize);
        let there = interaction.and_then(|i| {
            let table = &self.interactions;
            table.latitude[i].zip(table.longitude[i])
        });
        let place = there.or_else(|| users.latitude[row].zip(users.longitude[row]));
        let text = |column: &Category| column.get(row).map(str::to_owned);
        Profile {
            age: users.age[row],
            gender: text(&users.gender),
            latitude: place.map(|p| p.0),
            longitude: place.map(|p| p.1),
            username: users.username[row].as_deref().map(str::to_owned),
            language: text(&users.language),
            time_zone: text(&users.time_zone).or_else(|| self.meta.time_zone.clone()),
            ..Profile::default()
        }
    }

    /// Interaction rows of each user in order of time, before an instant.
    #[must_use]
    pub fn rows_by_user(&self, until_ms: i64) -> Grouped {
        let rows = self.interactions.before(until_ms);
        Grouped::new(self.users.len(), self.interactions.user[..rows].iter().copied())
    }
}

/// Rows by owner: owner `i` has `rows[ends[i]..ends[i + 1]]`, in rising order.
#[derive(Debug, Clone, Default)]
pub struct Grouped {
    ends: Vec<u32>,
    rows: Vec<u32>,
}

impl Grouped {
    /// Groups rows `0..` by their owner; rows of [`NONE`] belong to nobody.
    #[must_use]
    pub fn new(owners: usize, owner_of_row: impl Iterator<Item = u32> + Clone) -> Grouped {
        let mut ends = vec![0_u32; owners + 1];
        for owner in owner_of_row.clone().filter(|o| *o != NONE) {
            ends[owner as usize + 1] += 1;
        }
        for i in 0..owners {
            ends[i + 1] += ends[i];
        }
        let mut next = ends.clone();
        let mut rows = vec![0; ends[owners] as usize];
        for (row, owner) in owner_of_row.enumerate().filter(|(_, o)| *o != NONE) {
            let slot = &mut next[owner as usize];
            rows[*slot as usize] = row as u32;
            *slot += 1;
        }
        Grouped { ends, rows }
    }

    /// Rows of one owner.
    #[must_use]
    pub fn get(&self, owner: u32) -> &[u32] {
        match (self.ends.get(owner as usize), self.ends.get(owner as usize + 1)) {
            (Some(start), Some(end)) => &self.rows[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouping_keeps_every_row_once_and_in_order() {
        let owners = [2, 0, NONE, 2, 0, 2];
        let grouped = Grouped::new(3, owners.into_iter());
        assert_eq!(grouped.get(0), [1, 4]);
        assert!(grouped.get(1).is_empty());
        assert_eq!(grouped.get(2), [0, 3, 5]);
        assert!(grouped.get(NONE).is_empty());
    }
}
