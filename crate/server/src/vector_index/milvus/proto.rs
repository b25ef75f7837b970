//! Messages of Milvus, as far as they are needed: names and numbers are those of
//! [milvus-proto](https://github.com/milvus-io/milvus-proto) 2.3, where fields of a `oneof` travel as plain ones.

use std::collections::HashMap;

use prost::Message;

/// `schema.DataType`.
pub(super) const INT64: i32 = 5;
pub(super) const FLOAT_VECTOR: i32 = 101;
/// `common.ConsistencyLevel`.
pub(super) const STRONG: i32 = 0;
pub(super) const BOUNDED: i32 = 2;
/// `common.LoadState`.
pub(super) const LOADED: i32 = 3;
/// `common.IndexState`.
pub(super) const FINISHED: i32 = 3;
pub(super) const FAILED: i32 = 4;
/// `common.DslType`: filters are boolean expressions.
pub(super) const BOOLEAN: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    /// Code of Milvus 2.2.
    #[prost(int32, tag = "1")]
    pub(super) legacy_code: i32,
    #[prost(string, tag = "2")]
    pub(super) reason: String,
    #[prost(int32, tag = "3")]
    pub(super) code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Pair {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

/// Pairs of a list.
pub(super) fn pairs<const N: usize>(pairs: [(&str, String); N]) -> Vec<Pair> {
    pairs
        .into_iter()
        .map(|(key, value)| Pair {
            key: key.to_owned(),
            value,
        })
        .collect()
}

/// `HasCollectionRequest`, `DescribeCollectionRequest`, `DropCollectionRequest`, `GetCollectionStatisticsRequest` and
/// `LoadCollectionRequest`: all have the name in the same place.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Yes {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(bool, tag = "2")]
    pub(super) value: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Description {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub(super) schema: Option<Schema>,
    #[prost(message, repeated, tag = "13")]
    pub(super) properties: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Schema {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) description: String,
    #[prost(message, repeated, tag = "4")]
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Field {
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(bool, tag = "3")]
    pub(super) is_primary_key: bool,
    #[prost(int32, tag = "5")]
    pub(super) kind: i32,
    #[prost(message, repeated, tag = "6")]
    pub(super) parameters: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Create {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    /// A [`Schema`].
    #[prost(bytes = "vec", tag = "4")]
    pub(super) schema: Vec<u8>,
    #[prost(int32, tag = "5")]
    pub(super) shards: i32,
    #[prost(int32, tag = "6")]
    pub(super) consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Alter {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) properties: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Insert {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) fields: Vec<Column>,
    #[prost(uint32, tag = "7")]
    pub(super) rows: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Inserted {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(int64, tag = "6")]
    pub(super) count: i64,
}

/// `schema.FieldData`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Column {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, optional, tag = "3")]
    pub(super) scalars: Option<Scalars>,
    #[prost(message, optional, tag = "4")]
    pub(super) vectors: Option<Vectors>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Scalars {
    #[prost(message, optional, tag = "3")]
    pub(super) longs: Option<Longs>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Longs {
    #[prost(int64, repeated, tag = "1")]
    pub(super) values: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Vectors {
    #[prost(int64, tag = "1")]
    pub(super) dim: i64,
    #[prost(message, optional, tag = "2")]
    pub(super) floats: Option<Floats>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Floats {
    #[prost(float, repeated, tag = "1")]
    pub(super) values: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Flush {
    #[prost(string, repeated, tag = "3")]
    pub(super) collections: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Flushing {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    /// Segments of each collection that are being written.
    #[prost(map = "string, message", tag = "3")]
    pub(super) segments: HashMap<String, Longs>,
    /// Up to when, of each collection.
    #[prost(map = "string, uint64", tag = "6")]
    pub(super) until: HashMap<String, u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FlushState {
    #[prost(int64, repeated, tag = "1")]
    pub(super) segments: Vec<i64>,
    #[prost(uint64, tag = "2")]
    pub(super) until: u64,
    #[prost(string, tag = "4")]
    pub(super) collection: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CreateIndex {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    #[prost(string, tag = "4")]
    pub(super) field: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) parameters: Vec<Pair>,
    #[prost(string, tag = "6")]
    pub(super) index: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DescribeIndex {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    #[prost(string, tag = "4")]
    pub(super) field: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Indices {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub(super) indices: Vec<IndexState>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IndexState {
    #[prost(int32, tag = "7")]
    pub(super) state: i32,
    #[prost(string, tag = "8")]
    pub(super) reason: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LoadStateOf {
    #[prost(string, tag = "2")]
    pub(super) collection: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LoadState {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(int32, tag = "2")]
    pub(super) state: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Query {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    #[prost(string, tag = "4")]
    pub(super) filter: String,
    #[prost(string, repeated, tag = "5")]
    pub(super) fields: Vec<String>,
    #[prost(int32, tag = "11")]
    pub(super) consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Queried {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub(super) columns: Vec<Column>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Search {
    #[prost(string, tag = "3")]
    pub(super) collection: String,
    #[prost(string, tag = "5")]
    pub(super) filter: String,
    /// [`Placeholders`].
    #[prost(bytes = "vec", tag = "6")]
    pub(super) placeholders: Vec<u8>,
    #[prost(int32, tag = "7")]
    pub(super) filter_kind: i32,
    #[prost(message, repeated, tag = "9")]
    pub(super) parameters: Vec<Pair>,
    #[prost(int64, tag = "12")]
    pub(super) queries: i64,
    #[prost(int32, tag = "14")]
    pub(super) consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Placeholders {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<Placeholder>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Placeholder {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(int32, tag = "2")]
    pub(super) kind: i32,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(super) values: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Searched {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub(super) results: Option<Hits>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Hits {
    #[prost(message, optional, tag = "5")]
    pub(super) ids: Option<Ids>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Ids {
    #[prost(message, optional, tag = "1")]
    pub(super) longs: Option<Longs>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Statistics {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub(super) figures: Vec<Pair>,
}

/// `ShowCollectionsRequest`: all of them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Show {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shown {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<Status>,
    #[prost(string, repeated, tag = "2")]
    pub(super) names: Vec<String>,
    #[prost(uint64, repeated, tag = "5")]
    pub(super) made: Vec<u64>,
}

/// An answer, which has a status.
pub(super) trait Answer: Message + Default {
    /// The status; none is none that says yes.
    fn status(&self) -> Option<&Status>;
}

impl Answer for Status {
    fn status(&self) -> Option<&Status> {
        Some(self)
    }
}

macro_rules! answers {
    ($($name:ty),*) => {
        $(impl Answer for $name {
            fn status(&self) -> Option<&Status> {
                self.status.as_ref()
            }
        })*
    };
}

answers!(
    Yes,
    Description,
    Inserted,
    Flushing,
    Indices,
    LoadState,
    Queried,
    Searched,
    Statistics,
    Shown
);
