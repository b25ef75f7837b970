//! What a server may show whom: by region, by rating, by what was taken down and what the account is done with. All four
//! hold for every asker and every size, and none of them leaves a block short.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringArray, StringBuilder};
use axum::http::Method;
use serde_json::{Value, json};
use upnext_core::bundle::Role;
use upnext_server::app::{Settings, app};
use upnext_server::edition::Audience;

use super::client::{Client, NOW, bearer, keeping_with};
use super::fixture::{VIDEOS, World, parquet_bytes, video_columns, write_bundle};

const RATINGS: [Option<&str>; 5] = [None, Some("G"), Some("PG-13"), Some("r"), Some("NC-17")];
const REGIONS: [&[&str]; 4] = [&[], &["DE"], &["at", "CH"], &["US", "DE"]];

/// Row `i` has rating `i mod 5` and regions `i mod 4`.
fn client(audience: Audience) -> Client {
    let mut columns = video_columns(&World::small().ids);
    columns.retain(|(name, _)| *name != "rating");
    let ratings: StringArray = (0..VIDEOS).map(|row| RATINGS[row % 5]).collect();
    columns.push(("rating", Arc::new(ratings) as ArrayRef));
    let mut regions = ListBuilder::new(StringBuilder::new());
    for row in 0..VIDEOS {
        for region in REGIONS[row % 4] {
            regions.values().append_value(region);
        }
        regions.append(true);
    }
    columns.push(("regions", Arc::new(regions.finish())));
    let mut files: BTreeMap<Role, Vec<u8>> = World::small().files();
    files.insert(Role::Videos, parquet_bytes(columns));
    let root = tempfile::tempdir().unwrap();
    let id = write_bundle(root.path(), &files, "filters");
    let settings = Settings {
        audience,
        ..Settings::default()
    };
    let router = app(Arc::new(keeping_with(root.path(), settings, NOW)));
    Client { router, id, root }
}

async fn ids(client: &Client, size: usize, account: Option<&str>) -> Vec<String> {
    let token = account.map(bearer).unwrap_or_default();
    let mut headers = vec![("accept", "application/json")];
    if account.is_some() {
        headers.push(("authorization", &token));
    }
    let answer = client.get(&format!("/v1/candidates?size={size}"), &headers).await;
    let block: Value = serde_json::from_slice(&answer.body).unwrap();
    let rows = block["rows"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// The rule, written down once more.
fn admitted(audience: &Audience, row: usize) -> bool {
    let least = [0.0, 0.0, 13.0, 17.0, 18.0][row % 5];
    let there = [true, false, true, false][row % 4];
    audience.age.is_none_or(|age| age >= least) && (audience.region.is_none() || there)
}

#[tokio::test]
async fn everybody_gets_what_the_audience_may_see_and_all_of_it() {
    for age in [None, Some(12.0), Some(13.0), Some(17.5), Some(18.0)] {
        for region in [None, Some("AT".to_owned())] {
            let audience = Audience { region, age };
            let client = client(audience.clone());
            let mut expected: Vec<String> = (0..VIDEOS)
                .filter(|row| admitted(&audience, *row))
                .map(|row| format!("v{row:03}"))
                .collect();
            expected.sort();
            for account in [None, Some("ann"), Some("new")] {
                let mut found = ids(&client, 500, account).await;
                assert_eq!(ids(&client, 7, account).await.len(), 7, "a filter never under-fills");
                found.sort();
                assert_eq!(found, expected, "{audience:?} {account:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_arrives_is_held_to_the_same_rule_and_may_come_into_it_or_leave_it() {
    let audience = Audience {
        region: Some("AT".to_owned()),
        age: Some(12.0),
    };
    let client = client(audience);
    for (body, shown) in [
        (json!({"title": "a"}), true),
        (json!({"title": "a", "rating": "R"}), false),
        (json!({"title": "a", "rating": "PG", "regions": ["CH", "AT"]}), true),
        (json!({"title": "a", "rating": "PG", "regions": ["CH"]}), false),
        (json!({"title": "a", "rating": "unknown board 16"}), true),
    ] {
        client.admin(Method::PUT, "/v1/videos/new", &body).await;
        assert_eq!(
            ids(&client, 500, None).await.contains(&"new".to_owned()),
            shown,
            "{body}"
        );
    }
    // A video of the bundle that was rated anew: v004 is for adults there.
    assert!(!ids(&client, 500, None).await.contains(&"v004".to_owned()));
    client
        .admin(Method::PUT, "/v1/videos/v004", json!({"title": "x", "rating": "G"}))
        .await;
    assert!(ids(&client, 500, None).await.contains(&"v004".to_owned()));
    client.admin(Method::DELETE, "/v1/videos/v004", "").await;
    assert!(
        !ids(&client, 500, None).await.contains(&"v004".to_owned()),
        "taken down"
    );
}

#[tokio::test]
async fn all_four_at_once_and_the_block_is_still_full() {
    let audience = Audience {
        region: Some("AT".to_owned()),
        age: Some(12.0),
    };
    let client = client(audience.clone());
    client.admin(Method::DELETE, "/v1/videos/v006", "").await;
    // v010 is a second longer than its row says: watched to its end.
    let done = json!([{"id": "1", "type": "watch", "video_id": "v010", "seconds": 11.0, "timestamp": NOW - 1000}]);
    client.post("ann", done).await;
    let expected: Vec<String> = (0..VIDEOS)
        .filter(|row| admitted(&audience, *row) && ![6, 10].contains(row))
        .map(|row| format!("v{row:03}"))
        .collect();
    for size in 1..=expected.len() {
        let found = ids(&client, size, Some("ann")).await;
        assert_eq!(found.len(), size);
        assert!(found.iter().all(|id| expected.contains(id)), "{found:?}");
    }
}
