//! Groups of features that training can leave out, so that what each is worth can be measured.
//!
//! A group of the towers is hidden in their inputs while they learn, and cut out of their weights afterwards: the device still
//! computes the feature, and nothing of it reaches a vector. A group of the ranker is held at zero in the same way.

mod mask;

pub use mask::Mask;

use serde::{Deserialize, Serialize};
use upnext_core::EventKind;

use crate::table::Dataset;

/// Features that are left out together: the rows of the features' table in the docs, and the ranker's signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Item tower: the hashed id
    VideoId,
    /// Item tower: text vector of the title
    Title,
    /// Item tower: tags
    Tags,
    /// Item tower: mean text vector of the comments
    Comments,
    /// Item tower: length and counts of likes, comments, views
    LengthAndCounts,
    /// Item tower: language, rating, channel
    Channel,
    /// User tower: age
    Age,
    /// User tower: gender, language, time zone
    People,
    /// User tower: location cluster
    Location,
    /// User tower: hour and weekday
    Time,
    /// User tower: device and surface
    Device,
    /// User tower: pools and counts of the history, searches too
    History,
    /// User tower: the folded-in collaborative factor
    Factor,
    /// Ranker: user vector · item vector
    SignalTower,
    /// Ranker: cosine and product of folded-in factor and item factor
    SignalCf,
    /// Ranker: likeness to a liked or finished video
    SignalAnchor,
    /// Ranker: log-odds by surface and length
    SignalBaseline,
    /// Ranker: the video's own rate, before and within the train window
    SignalVideo,
    /// Ranker: length
    SignalLength,
    /// Ranker: the viewer's own rate, and how often they like
    SignalViewer,
    /// Ranker: how often the video was relevant of late
    SignalTrend,
}

impl Group {
    /// All, in the order of reports.
    pub const ALL: [Group; 21] = [
        Group::VideoId,
        Group::Title,
        Group::Tags,
        Group::Comments,
        Group::LengthAndCounts,
        Group::Channel,
        Group::Age,
        Group::People,
        Group::Location,
        Group::Time,
        Group::Device,
        Group::History,
        Group::Factor,
        Group::SignalTower,
        Group::SignalCf,
        Group::SignalAnchor,
        Group::SignalBaseline,
        Group::SignalVideo,
        Group::SignalLength,
        Group::SignalViewer,
        Group::SignalTrend,
    ];

    /// The name on the command line and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Group::VideoId => "video-id",
            Group::Title => "title",
            Group::Tags => "tags",
            Group::Comments => "comments",
            Group::LengthAndCounts => "length-and-counts",
            Group::Channel => "channel",
            Group::Age => "age",
            Group::People => "people",
            Group::Location => "location",
            Group::Time => "time",
            Group::Device => "device",
            Group::History => "history",
            Group::Factor => "factor",
            Group::SignalTower => "signal-tower",
            Group::SignalCf => "signal-cf",
            Group::SignalAnchor => "signal-anchor",
            Group::SignalBaseline => "signal-baseline",
            Group::SignalVideo => "signal-video",
            Group::SignalLength => "signal-length",
            Group::SignalViewer => "signal-viewer",
            Group::SignalTrend => "signal-trend",
        }
    }

    /// What is left out, for a reader.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Group::VideoId => "item tower: video id",
            Group::Title => "item tower: title",
            Group::Tags => "item tower: tags",
            Group::Comments => "item tower: comments",
            Group::LengthAndCounts => "item tower: length, likes, comments, views",
            Group::Channel => "item tower: language, rating, channel",
            Group::Age => "user tower: age",
            Group::People => "user tower: gender, language, time zone",
            Group::Location => "user tower: location",
            Group::Time => "user tower: hour, weekday",
            Group::Device => "user tower: device, surface",
            Group::History => "user tower: history, searches",
            Group::Factor => "user tower: collaborative factor",
            Group::SignalTower => "ranker: two towers",
            Group::SignalCf => "ranker: collaborative",
            Group::SignalAnchor => "ranker: like what was liked",
            Group::SignalBaseline => "ranker: surface and length",
            Group::SignalVideo => "ranker: the video's own rate",
            Group::SignalLength => "ranker: length",
            Group::SignalViewer => "ranker: the viewer's own rate",
            Group::SignalTrend => "ranker: trend",
        }
    }

    /// The ranker's signals of the group; none for a group of the towers.
    #[must_use]
    pub const fn signals(self) -> &'static [&'static str] {
        match self {
            Group::SignalTower => &["tower"],
            Group::SignalCf => &["cf", "affinity"],
            Group::SignalAnchor => &["anchor"],
            Group::SignalBaseline => &["baseline"],
            Group::SignalVideo => &["prior", "effect"],
            Group::SignalLength => &["length", "length_squared", "length_known"],
            Group::SignalViewer => &["viewer", "like_rate"],
            Group::SignalTrend => &["trend"],
            _ => &[],
        }
    }

    /// Whether the towers are trained without it, and not the ranker.
    #[must_use]
    pub const fn of_towers(self) -> bool {
        self.signals().is_empty()
    }

    /// Whether the data tell anything of the group: where they do not, nothing can be left out.
    #[must_use]
    pub fn told(self, data: &Dataset) -> bool {
        let (videos, users, table) = (&data.videos, &data.users, &data.interactions);
        let any = |column: &crate::table::Category| !column.terms().is_empty();
        match self {
            Group::Title => videos.title.iter().any(Option::is_some),
            Group::Tags => !videos.tags.terms().is_empty(),
            Group::Comments => {
                (0..table.len()).any(|row| table.kind[row] == EventKind::Comment && table.text.get(row).is_some())
            }
            Group::Channel => any(&videos.language) || any(&videos.rating) || any(&videos.channel),
            Group::Age => users.age.iter().any(Option::is_some),
            Group::People => any(&users.gender) || any(&users.language) || any(&users.time_zone),
            Group::Location => users.latitude.iter().any(Option::is_some) || table.latitude.iter().any(Option::is_some),
            Group::Time => data.meta.time_zone.is_some() || any(&users.time_zone),
            Group::Device => any(&table.device) || any(&table.surface),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use upnext_core::signal::SIGNALS;

    use super::*;

    #[test]
    fn names_are_those_of_the_command_line_and_every_signal_but_the_calendar_is_in_one_group() {
        assert_eq!(Group::value_variants(), Group::ALL);
        for group in Group::ALL {
            let name = group.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(name.as_deref(), Some(group.as_str()));
            assert_eq!(serde_json::to_value(group).ok(), Some(group.as_str().into()));
            assert_eq!(group.of_towers(), !group.as_str().starts_with("signal-"));
        }
        let grouped: Vec<&str> = Group::ALL.iter().flat_map(|g| g.signals()).copied().collect();
        for signal in SIGNALS.iter().filter(|name| !name.starts_with("freshness")) {
            assert_eq!(grouped.iter().filter(|name| *name == signal).count(), 1, "{signal}");
        }
    }
}
