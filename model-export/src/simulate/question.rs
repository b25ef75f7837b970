//! What an audience can be asked, and what it answers: JSON, one line each.

use serde::{Deserialize, Serialize};
use upnext_core::Profile;
use upnext_core::history::Feedback;

/// A question. Instants are Unix milliseconds, windows half open.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// How long does it all last?
    Window,
    /// Who comes at all.
    Viewers,
    /// What was published in a window.
    Videos {
        /// From here.
        from: i64,
        /// Until before here.
        until: i64,
    },
    /// Who comes in a window, in order of time.
    Visits {
        /// From here.
        from: i64,
        /// Until before here.
        until: i64,
    },
    /// What somebody did before an instant, by the log of `upnext-export simulate`.
    Past {
        /// Id of the viewer.
        viewer: String,
        /// Until before here.
        until: i64,
    },
    /// Shows videos at a visit: what is done with them, one after the other?
    Shown {
        /// Number of the visit.
        visit: usize,
        /// Ids, in the order of the slate.
        videos: Vec<String>,
    },
    /// How unevenly were videos shown? The Gini coefficient of `upnext-export evaluate`.
    Gini {
        /// Impressions of each video, zeros counted.
        exposures: Vec<u32>,
    },
}

/// An answer, by the kind of its question.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To [`Question::Window`].
    Window {
        /// First instant of the first day.
        from: i64,
        /// End of the last day.
        until: i64,
    },
    /// To [`Question::Viewers`].
    Viewers {
        /// In the order of the users table.
        viewers: Vec<Viewer>,
    },
    /// To [`Question::Videos`].
    Videos {
        /// In order of publication.
        videos: Vec<Published>,
    },
    /// To [`Question::Visits`].
    Visits {
        /// In order of time.
        visits: Vec<Visit>,
    },
    /// To [`Question::Past`].
    Past {
        /// In order of time.
        events: Vec<Feedback>,
        /// Videos that they are done with; see [`Shown::done`].
        done: Vec<String>,
    },
    /// To [`Question::Shown`].
    Shown(Shown),
    /// To [`Question::Gini`].
    Gini {
        /// 0 where all are shown alike, near 1 where a few are all that is shown.
        gini: f64,
    },
}

/// Somebody who comes now and then.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Viewer {
    /// Id in the users table.
    pub id: String,
    /// What they told, as their device keeps it.
    pub profile: Profile,
    /// What their browser says that they read.
    pub languages: Vec<&'static str>,
    /// From when on their taste is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drifts: Option<i64>,
}

/// A video as a site tells its server, `PUT /v1/videos/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// Id in the videos table.
    pub id: String,
    /// The body of that request.
    pub video: VideoBody,
}

/// What is told of a video.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoBody {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_seconds: Option<f32>,
    /// BCP 47.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Age rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<String>,
    /// Channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Unix milliseconds.
    pub published_at: i64,
    /// Where it may be shown.
    pub regions: Vec<String>,
}

/// Somebody comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Visit {
    /// Its number.
    pub visit: usize,
    /// Id of the viewer.
    pub viewer: String,
    /// When.
    pub at: i64,
    /// By what kind of device.
    pub device: &'static str,
    /// Where they look.
    pub surface: &'static str,
    /// What their clock says: minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// How many videos they let themselves be shown.
    pub shows: u32,
    /// What they search for before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<&'static str>,
}

/// What became of a slate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Impressions and what followed, in order; the search before them too.
    pub events: Vec<Feedback>,
    /// The true chance of each video that it would be found relevant.
    pub chances: Vec<f64>,
    /// Videos that need not be offered again: watched for half or more, disliked, or not wanted.
    pub done: Vec<String>,
    /// When they leave.
    pub until: i64,
}
