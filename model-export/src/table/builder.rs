//! Rows in, data set out: for the readers, the importers, the simulation and the tests.

use upnext_core::EventKind;

use super::column::reordered;
use super::{Dataset, Meta, NONE, Zones};

/// A row of the videos table. What is left at its default is unknown.
#[derive(Debug, Clone, Default)]
pub struct Video<'a> {
    /// Id, not empty.
    pub id: &'a str,
    /// Title.
    pub title: Option<&'a str>,
    /// Tags.
    pub tags: &'a [&'a str],
    /// Length in seconds.
    pub length_seconds: Option<f32>,
    /// BCP 47.
    pub language: Option<&'a str>,
    /// Age rating.
    pub rating: Option<&'a str>,
    /// Channel.
    pub channel: Option<&'a str>,
    /// Unix milliseconds.
    pub published_at_ms: Option<i64>,
    /// Likes.
    pub likes: Option<f32>,
    /// Comments.
    pub comments: Option<f32>,
    /// Views.
    pub views: Option<f32>,
    /// Regions.
    pub regions: &'a [&'a str],
    /// Content hash.
    pub content_hash: Option<&'a str>,
}

/// A row of the users table.
#[derive(Debug, Clone, Default)]
pub struct User<'a> {
    /// Id, not empty.
    pub id: &'a str,
    /// Years.
    pub age: Option<f32>,
    /// Gender.
    pub gender: Option<&'a str>,
    /// Degrees north.
    pub latitude: Option<f32>,
    /// Degrees east.
    pub longitude: Option<f32>,
    /// User name.
    pub username: Option<&'a str>,
    /// BCP 47.
    pub language: Option<&'a str>,
    /// IANA name.
    pub time_zone: Option<&'a str>,
}

/// A row of the interactions table, with rows of the other two in place of ids.
#[derive(Debug, Clone)]
pub struct Interaction<'a> {
    /// User row.
    pub user: u32,
    /// Video row, or [`NONE`].
    pub video: u32,
    /// What happened.
    pub kind: EventKind,
    /// Seconds watched.
    pub seconds: Option<f32>,
    /// Comment or query.
    pub text: Option<&'a str>,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Degrees north.
    pub latitude: Option<f32>,
    /// Degrees east.
    pub longitude: Option<f32>,
    /// Device.
    pub device: Option<&'a str>,
    /// Surface.
    pub surface: Option<&'a str>,
    /// Position.
    pub position: Option<u32>,
    /// The log's own judgement.
    pub relevant: Option<bool>,
    /// Chance with which the logging policy showed it.
    pub propensity: Option<f32>,
}

impl Interaction<'_> {
    /// An event with everything optional unknown.
    #[must_use]
    pub const fn new(user: u32, video: u32, kind: EventKind, at_ms: i64) -> Self {
        Interaction {
            user,
            video,
            kind,
            seconds: None,
            text: None,
            at_ms,
            latitude: None,
            longitude: None,
            device: None,
            surface: None,
            position: None,
            relevant: None,
            propensity: None,
        }
    }
}

/// Collects rows; [`Builder::finish`] sorts interactions by time.
#[derive(Debug, Default)]
pub struct Builder {
    data: Dataset,
}

impl Builder {
    /// An empty data set.
    #[must_use]
    pub fn new(meta: Meta) -> Builder {
        Builder {
            data: Dataset {
                meta,
                ..Dataset::default()
            },
        }
    }

    /// The rows so far; interactions are not sorted yet.
    #[must_use]
    pub fn so_far(&self) -> &Dataset {
        &self.data
    }

    /// Adds a video; `None` where its id is there already.
    pub fn video(&mut self, row: &Video<'_>) -> Option<u32> {
        let table = &mut self.data.videos;
        let (index, new) = table.ids.intern(row.id);
        if !new {
            return None;
        }
        table.title.push(row.title.filter(|t| !t.is_empty()).map(Box::from));
        table.tags.push(row.tags.iter().copied());
        table.length_seconds.push(row.length_seconds);
        table.language.push(row.language);
        table.rating.push(row.rating);
        table.channel.push(row.channel);
        table.published_at_ms.push(row.published_at_ms);
        table.likes.push(row.likes);
        table.comments.push(row.comments);
        table.views.push(row.views);
        table.regions.push(row.regions.iter().copied());
        table
            .content_hash
            .push(row.content_hash.filter(|t| !t.is_empty()).map(Box::from));
        Some(index)
    }

    /// Adds a user; `None` where their id is there already.
    pub fn user(&mut self, row: &User<'_>) -> Option<u32> {
        let table = &mut self.data.users;
        let (index, new) = table.ids.intern(row.id);
        if !new {
            return None;
        }
        table.age.push(row.age);
        table.gender.push(row.gender);
        table.latitude.push(row.latitude);
        table.longitude.push(row.longitude);
        table
            .username
            .push(row.username.filter(|t| !t.is_empty()).map(Box::from));
        table.language.push(row.language);
        table.time_zone.push(row.time_zone);
        Some(index)
    }

    /// Adds an event. Rows must be those that [`Builder::user`] and [`Builder::video`] gave.
    pub fn interaction(&mut self, row: &Interaction<'_>) {
        debug_assert!((row.user as usize) < self.data.users.len());
        debug_assert!(row.video == NONE || (row.video as usize) < self.data.videos.len());
        let table = &mut self.data.interactions;
        table.user.push(row.user);
        table.video.push(row.video);
        table.kind.push(row.kind);
        table.seconds.push(row.seconds);
        table.text.push(row.text);
        table.at_ms.push(row.at_ms);
        table.latitude.push(row.latitude);
        table.longitude.push(row.longitude);
        table.device.push(row.device);
        table.surface.push(row.surface);
        table.position.push(row.position);
        table.relevant.push(row.relevant);
        table.propensity.push(row.propensity);
    }

    /// Sorts interactions by (timestamp, order of adding), resolves time zones.
    #[must_use]
    pub fn finish(mut self) -> Dataset {
        let table = &mut self.data.interactions;
        if !table.at_ms.is_sorted() {
            let mut order: Vec<u32> = (0..table.len() as u32).collect();
            order.sort_by_key(|row| table.at_ms[*row as usize]);
            table.user = reordered(&table.user, &order);
            table.video = reordered(&table.video, &order);
            table.kind = reordered(&table.kind, &order);
            table.seconds = reordered(&table.seconds, &order);
            table.text.reorder(&order);
            table.at_ms = reordered(&table.at_ms, &order);
            table.latitude = reordered(&table.latitude, &order);
            table.longitude = reordered(&table.longitude, &order);
            table.device.reorder(&order);
            table.surface.reorder(&order);
            table.position = reordered(&table.position, &order);
            table.relevant = reordered(&table.relevant, &order);
            table.propensity = reordered(&table.propensity, &order);
        }
        self.data.zones = Zones::resolve(&self.data.users.time_zone, self.data.meta.time_zone.as_deref());
        self.data
    }
}
