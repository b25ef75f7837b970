//! The tables of DESIGN 4, in memory: columns, interned ids, interactions in order of time.

mod column;
mod dataset;
mod meta;
mod zone;

pub use column::{Category, Ids, Lists, NONE};
pub use dataset::{Dataset, Grouped, Interactions, Users, Videos};
pub use meta::{Meta, SplitInstants};
pub use zone::{Zones, utc};

mod builder;
pub use builder::{Builder, Interaction, User, Video};
