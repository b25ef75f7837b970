//! Videos that arrive and are taken down between two bundles.

use axum::http::{Method, StatusCode};
use serde_json::json;
use upnext_core::block::{Block, Dims, source};
use upnext_core::bundle::Role;
use upnext_core::feature::VideoFeatures;
use upnext_core::quantize;
use upnext_server::catalogue::Catalogue;
use upnext_server::video::MAX_BODY_BYTES;

use super::client::{ADMIN, Client, NOW, bearer};
use super::fixture::{FACTOR_DIM, VECTOR_DIM, VIDEOS, World, spec, titled_tensors};

async fn block(client: &Client, uri: &str, account: Option<&str>) -> Block {
    let token = account.map(bearer).unwrap_or_default();
    let headers = [("authorization", token.as_str())];
    let answer = client.get(uri, if account.is_some() { &headers } else { &[] }).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let dims = Dims {
        vector: VECTOR_DIM,
        factor: FACTOR_DIM,
    };
    Block::decode(&answer.body, &client.id, dims).unwrap()
}

#[tokio::test]
async fn a_video_that_arrives_is_a_candidate_of_the_next_request_and_after_a_restart() {
    let mut client = Client::keeping();
    let body = json!({"title": "Neu", "tags": ["tag0", "x"], "length_seconds": 90, "language": "de-AT",
        "rating": "PG", "channel": "channel0", "thumbnail": "https://t.example/1.jpg"});
    let answer = client.admin(Method::PUT, "/v1/videos/new%2Fone", body).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    for _ in 0..2 {
        for account in [None, Some("ann")] {
            let block = block(&client, "/v1/candidates?languages=de", account).await;
            let row = block.row_of("new/one").unwrap();
            assert_eq!(block.sources(row), source::FRESH);
            assert_eq!((block.title(row), block.language(row)), (Some("Neu"), Some("de-AT")));
            assert_eq!(block.tags(row).collect::<Vec<_>>(), ["tag0", "x"]);
            assert_eq!(
                (block.length_seconds(row), block.published_at_ms(row)),
                (Some(90.0), Some(NOW))
            );
            assert_eq!(block.thumbnail(row), Some("https://t.example/1.jpg"));
            assert!(
                block.vector(row).unwrap().values.iter().any(|level| *level != 0),
                "it has a vector"
            );
            assert_eq!(block.factor(row).unwrap().scale, 0.0, "nobody has watched it");
            assert_eq!(block.len(), VIDEOS + 1);
        }
        client = client.restarted();
    }
    let english = block(&client, "/v1/candidates?languages=en", None).await;
    assert_eq!(
        english.row_of("new/one"),
        None,
        "it is fresh for those who speak its language"
    );
}

#[tokio::test]
async fn a_video_that_is_taken_down_is_gone_at_once_for_all_and_stays_so() {
    let mut client = Client::keeping();
    assert!(
        block(&client, "/v1/candidates", Some("ann"))
            .await
            .row_of("v001")
            .is_some()
    );
    for id in ["v001", "v035", "never-seen"] {
        let answer = client.admin(Method::DELETE, &format!("/v1/videos/{id}"), "").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{id}");
    }
    for _ in 0..2 {
        for account in [None, Some("ann"), Some("new")] {
            let block = block(&client, "/v1/candidates?languages=de", account).await;
            assert_eq!(block.len(), VIDEOS - 2, "the others fill its place");
            assert!(["v001", "v035", "never-seen"].iter().all(|id| block.is_removed(id)));
            assert!(["v001", "v035"].iter().all(|id| block.row_of(id).is_none()));
        }
        client = client.restarted();
    }
    // Somebody changed their mind.
    client
        .admin(Method::PUT, "/v1/videos/v001", "{\"title\":\"back\"}")
        .await;
    let block = block(&client, "/v1/candidates", None).await;
    assert!(block.row_of("v001").is_some() && !block.is_removed("v001") && block.is_removed("v035"));
}

#[tokio::test]
async fn what_is_known_of_a_video_can_change_and_its_factor_stays() {
    let client = Client::keeping();
    let before = block(&client, "/v1/candidates", Some("ann")).await;
    let row = before.row_of("v007").unwrap();
    client
        .admin(Method::PUT, "/v1/videos/v007", "{\"title\":\"a better title\"}")
        .await;
    client
        .admin(Method::PUT, "/v1/videos/v007", "{\"title\":\"the best title\"}")
        .await;
    let after = block(&client, "/v1/candidates", Some("ann")).await;
    let new_row = after.row_of("v007").unwrap();
    assert_eq!((after.len(), after.title(new_row)), (VIDEOS, Some("the best title")));
    assert_eq!(
        after.factor(new_row).unwrap().values,
        before.factor(row).unwrap().values
    );
    assert_eq!(after.prior(new_row), before.prior(row));
    assert_eq!(
        after.server_score(new_row),
        before.server_score(row),
        "found by its factor as before"
    );
    assert_ne!(
        after.vector(new_row).unwrap().values,
        before.vector(row).unwrap().values
    );
    // Told in the bundle's own words, it is the bundle's video again.
    let words = json!({"title": "Titel 7 – 動画", "tags": ["tag0", "tag1", "tag2"], "length_seconds": 8,
        "language": "en", "channel": "channel1"});
    client.admin(Method::PUT, "/v1/videos/v007", words).await;
    let again = block(&client, "/v1/candidates", Some("ann")).await;
    let row_again = again.row_of("v007").unwrap();
    assert_eq!(
        again.vector(row_again).unwrap().values,
        before.vector(row).unwrap().values
    );
    client.admin(Method::DELETE, "/v1/videos/v007", "").await;
    assert_eq!(block(&client, "/v1/candidates", Some("ann")).await.len(), VIDEOS - 1);
}

#[tokio::test]
async fn a_video_of_a_shelf_stays_in_its_place_when_what_is_known_of_it_changes() {
    let client = Client::keeping();
    let uri = "/v1/candidates?languages=de";
    let before = block(&client, uri, None).await;
    let ids = |block: &Block| -> Vec<String> { (0..block.len()).map(|row| block.id(row).to_owned()).collect() };
    let id = (0..before.len())
        .find(|row| before.sources(*row) == source::CONTENT)
        .map(|row| before.id(row).to_owned())
        .unwrap();
    let old = json!({"title": "told anew", "published_at": 978_307_200_000_i64});
    let answer = client.admin(Method::PUT, &format!("/v1/videos/{id}"), old).await;
    assert_eq!(
        answer.status,
        StatusCode::NO_CONTENT,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let after = block(&client, uri, None).await;
    assert_eq!(ids(&after), ids(&before));
    let row = after.row_of(&id).unwrap();
    assert_eq!(
        (after.title(row), after.sources(row)),
        (Some("told anew"), source::CONTENT)
    );
    client.admin(Method::DELETE, &format!("/v1/videos/{id}"), "").await;
    assert_eq!(block(&client, uri, None).await.row_of(&id), None);
}

#[tokio::test]
async fn the_title_of_a_new_video_is_read_by_the_bundles_student() {
    let world = World::small();
    let mut files = world.files();
    files.insert(Role::ItemTensors, titled_tensors(&world, 6, spec().text.dim as usize));
    let (titled, plain) = (Client::keeping_files(&files), Client::keeping());
    for client in [&titled, &plain] {
        let body = json!({"title": "Neu hier", "language": "de"});
        client.admin(Method::PUT, "/v1/videos/new", body).await;
        let block = block(client, "/v1/candidates?languages=de", None).await;
        let found = block.vector(block.row_of("new").unwrap()).unwrap();
        let catalogue = Catalogue::load(client.root.path()).unwrap();
        let title = catalogue.title(Some("Neu hier"));
        // No id: the tower has learnt nothing by it.
        let video = VideoFeatures {
            title: Some("Neu hier"),
            title_vector: title.as_deref(),
            language: Some("de"),
            ..VideoFeatures::default()
        };
        let (spec, tower) = (&catalogue.spec, &catalogue.item_tower);
        let expected = tower.vector(spec, &catalogue.folding, &video).unwrap();
        let mut levels = vec![0; expected.len()];
        let scale = quantize(&expected, &mut levels);
        assert_eq!((found.values, found.scale), (&levels[..], scale));
        assert_eq!(title.is_some(), std::ptr::eq(client, &titled));
        // The two read it in different ways.
        let by_grams = VideoFeatures {
            title_vector: None,
            ..video
        };
        let other = tower.vector(spec, &catalogue.folding, &by_grams).unwrap();
        assert_eq!(other == expected, title.is_none());
    }
}

#[tokio::test]
async fn only_the_admin_key_changes_videos_and_only_where_something_is_kept() {
    let client = Client::keeping();
    let token = bearer("ann");
    let big = format!("{{\"title\":\"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    let admin = ("x-upnext-admin-key", ADMIN);
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16, &'a str);
    let cases: &[Case<'_>] = &[
        ("/v1/videos/a", "{}", &[], 401, "token-invalid"),
        ("/v1/videos/a", "{}", &[("authorization", &token)], 401, "token-invalid"),
        (
            "/v1/videos/a",
            "{}",
            &[("x-upnext-admin-key", "wrong")],
            401,
            "token-invalid",
        ),
        ("/v1/videos/a", "{\"views\": 3}", &[admin], 400, "request-invalid"),
        ("/v1/videos/a", "", &[admin], 400, "request-invalid"),
        ("/v1/videos/a%00", "{}", &[admin], 400, "request-invalid"),
        ("/v1/videos/a", &big, &[admin], 413, "request-invalid"),
        ("/v1/videos/", "{}", &[admin], 404, "not-found"),
    ];
    for (uri, body, headers, status, code) in cases {
        let answer = client.with_body(Method::PUT, uri, headers, body).await;
        assert_eq!(
            answer.error(),
            (*status, (*code).to_owned()),
            "{uri} {headers:?} {body:.40}"
        );
    }
    for headers in [&[][..], &[("authorization", token.as_str())]] {
        let answer = client.with_body(Method::DELETE, "/v1/videos/v001", headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        block(&client, "/v1/candidates", None).await.len(),
        VIDEOS,
        "nothing changed"
    );
    let answer = client.get("/v1/videos/v001", &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let plain = Client::new();
    let answer = plain.admin(Method::PUT, "/v1/videos/a", "{}").await;
    assert_eq!(
        answer.status,
        StatusCode::UNAUTHORIZED,
        "a server without a key takes none"
    );
}
