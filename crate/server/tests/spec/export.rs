//! `export-events`: what was kept becomes tables.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float32Type, Int64Type, UInt32Type};
use axum::http::Method;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;
use upnext_server::export::{Export, Exported, export};

use super::client::{Client, NOW};
use super::fixture::VIDEOS;

fn table(directory: &Path, name: &str) -> RecordBatch {
    let file = std::fs::File::open(directory.join(format!("{name}.parquet"))).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

fn known(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

fn request(client: &Client, base: Option<&Path>, out: &str) -> Export {
    Export {
        data: client.root.path().join("data"),
        bundle: client.root.path().to_owned(),
        base: base.map(Path::to_owned),
        out: client.root.path().join(out),
    }
}

#[tokio::test]
async fn events_become_rows_in_order_of_time() {
    let client = Client::keeping();
    let at = |ms: i64| NOW - 10_000 + ms;
    client
        .post(
            "ann",
            json!([
                {"id": "2", "type": "like", "video_id": "v002", "timestamp": at(2)},
                {"id": "1", "type": "watch", "video_id": "v001", "seconds": 1.25, "timestamp": at(1),
                 "device": "phone", "surface": "up-next", "position": 3},
                {"id": "4", "type": "watch", "video_id": "elsewhere", "seconds": 1, "timestamp": at(4)},
            ]),
        )
        .await;
    client
        .post(
            "bob",
            json!([{"id": "3", "type": "search", "text": "猫 cats", "timestamp": at(3)}]),
        )
        .await;
    let request = request(&client, None, "tables");
    let done = export(&request).unwrap();
    let expected = Exported {
        videos: VIDEOS,
        users: 2,
        interactions: 3,
        unknown_videos: 1,
    };
    assert_eq!(done, expected);
    let rows = table(&request.out, "interactions");
    assert_eq!(texts(&rows, "user_id"), known(&["ann", "ann", "bob"]));
    assert_eq!(
        texts(&rows, "video_id"),
        [Some("v001".to_owned()), Some("v002".to_owned()), None]
    );
    assert_eq!(texts(&rows, "type"), known(&["watch", "like", "search"]));
    assert_eq!(
        texts(&rows, "value"),
        [Some("1.25".to_owned()), None, Some("猫 cats".to_owned())]
    );
    let times = rows.column_by_name("timestamp").unwrap().as_primitive::<Int64Type>();
    assert_eq!(times.values().to_vec(), [at(1), at(2), at(3)]);
    let places = rows.column_by_name("position").unwrap().as_primitive::<UInt32Type>();
    assert_eq!(places.iter().collect::<Vec<_>>(), [Some(3), None, None]);
    assert_eq!(
        rows.column_by_name("latitude").unwrap().null_count(),
        3,
        "no place is told"
    );
    let videos = table(&request.out, "videos");
    let lengths = videos
        .column_by_name("length_seconds")
        .unwrap()
        .as_primitive::<Float32Type>();
    assert_eq!((lengths.value(0), lengths.is_null(4)), (1.0, true));
    let published = videos
        .column_by_name("published_at")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(published.value(1), 1_600_000_000_001);
}

#[tokio::test]
async fn a_base_goes_first_and_is_not_repeated() {
    let client = Client::keeping();
    let like = |id: &str| json!([{"id": id, "type": "like", "video_id": "v001", "timestamp": NOW}]);
    client.post("ann", like("1")).await;
    let first = request(&client, None, "first");
    export(&first).unwrap();
    let meta = first.out.join("dataset.json");
    std::fs::write(
        &meta,
        r#"{"name":"base","split":{"factors_until_ms":1,"train_until_ms":2},"notes":["old"]}"#,
    )
    .unwrap();
    client.post("bob", like("1")).await;
    let second = request(&client, Some(&first.out), "second");
    let done = export(&second).unwrap();
    assert_eq!((done.videos, done.users, done.interactions), (VIDEOS, 2, 3));
    assert_eq!(texts(&table(&second.out, "users"), "id"), known(&["ann", "bob"]));
    let meta: serde_json::Value =
        serde_json::from_slice(&std::fs::read(second.out.join("dataset.json")).unwrap()).unwrap();
    assert_eq!((&meta["name"], &meta["split"]), (&json!("base"), &json!(null)));
    assert_eq!(meta["notes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_last_word_on_a_video_counts() {
    let client = Client::keeping();
    let like = |id: &str, video: &str| json!({"id": id, "type": "like", "video_id": video, "timestamp": NOW});
    let body = json!({"title": "brand new", "tags": ["a", "b"], "length_seconds": 7});
    client.admin(Method::PUT, "/v1/videos/new", &body).await;
    client.admin(Method::PUT, "/v1/videos/v003", &body).await;
    let events = json!([like("1", "new"), like("2", "v001"), like("3", "v002")]);
    client.post("ann", events).await;
    let first = request(&client, None, "first");
    assert_eq!(export(&first).unwrap().videos, VIDEOS + 1);
    client.admin(Method::DELETE, "/v1/videos/v001", "").await;
    let second = request(&client, Some(&first.out), "second");
    let done = export(&second).unwrap();
    assert_eq!((done.videos, done.unknown_videos), (VIDEOS, 1));
    // Two of the base and two of the store: what was taken down is in neither.
    assert_eq!(done.interactions, 4);
    let videos = table(&second.out, "videos");
    let (ids, titles) = (texts(&videos, "id"), texts(&videos, "title"));
    let title = |id: &str| titles[ids.iter().position(|known| known.as_deref() == Some(id)).unwrap()].clone();
    assert_eq!(
        (title("new").as_deref(), title("v003").as_deref()),
        (Some("brand new"), Some("brand new"))
    );
    assert!(!ids.contains(&Some("v001".to_owned())));
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let client = Client::keeping();
    let fails = |request: &Export, part: &str| {
        let error = export(request).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    fails(&request(&client, Some(Path::new("/nowhere")), "out"), "videos.parquet");
    let mut no_data = request(&client, None, "out");
    no_data.data = client.root.path().join("nothing");
    fails(&no_data, "upnext.sqlite");
    let mut no_bundle = request(&client, None, "out");
    no_bundle.bundle = client.root.path().join("nothing");
    fails(&no_bundle, "current.json");
}
