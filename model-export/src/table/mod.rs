//! The tables of DESIGN 4, in memory: columns, interned ids, interactions in order of time.

mod builder;
mod column;
mod dataset;
mod known;
mod meta;
pub mod read;
pub mod schema;
mod summary;
pub mod write;
mod zone;

pub use builder::{Builder, Interaction, User, Video};
pub use column::{Category, Ids, Lists, NONE};
pub use dataset::{Dataset, Grouped, Interactions, Users, Videos};
pub use meta::{Meta, SplitInstants};
pub use read::{Loaded, load};
pub use summary::summary;
pub use write::{Format, write};
pub use zone::{Zones, utc};
