//! Golden rows of a trained bundle: viewers of the log at moments of their own, and what they must get. Every runtime
//! of the package replays them.
//!
//! ```text
//! OUT/current.json, OUT/<id>/manifest.json, OUT/<id>/client/…   a bundle root without its server half
//! OUT/block.pb                                                   one candidate block of it
//! OUT/rows.json                                                  profile, context, history, options, expected
//! ```

use std::path::Path;

use serde::Serialize;
use upnext_core::bundle::{ClientModel, EngineKind};
use upnext_core::diversity::Method;
use upnext_core::engine::{CompactEngine, Engine as _};
use upnext_core::head::HeadWeights;
use upnext_core::history::{History, StoredEvent, StoredModel, StoredRow};
use upnext_core::pipeline::{Options, Viewer, recommend};
use upnext_core::{Context, LocalTime, Profile};

use crate::Error;
use crate::bundle::Bundle;
use crate::evaluate::catalogue::Catalogue;
use crate::split::{Side, Split};
use crate::table::{Dataset, NONE};

/// Candidates of the block: enough for every stage to have something to do, few enough to check in.
const CANDIDATES: usize = 48;
/// Events of a viewer's history, the latest.
const EVENTS: usize = 30;
/// Viewers of the log.
const VIEWERS: usize = 4;

#[derive(Serialize)]
struct Row {
    name: String,
    profile: Profile,
    context: Context,
    history: serde_json::Value,
    options: Options,
    expected: Expected,
}

#[derive(Serialize)]
struct Expected {
    categorical: Vec<u32>,
    dense: Vec<f32>,
    vector: Vec<f32>,
    ids: Vec<String>,
    scores: Vec<f32>,
    reasons: Vec<&'static str>,
    receipt: String,
    dropped: Vec<DroppedVideo>,
}

#[derive(Serialize)]
struct DroppedVideo {
    id: String,
    reason: &'static str,
}

struct Case {
    name: String,
    viewer: Viewer,
    context: Context,
    options: Options,
}

/// Writes the set below `out`, which is emptied of an earlier one; returns the number of rows.
///
/// # Errors
/// Those of reading the bundle and of the pipeline; [`Error::SplitEmpty`] without a test window;
/// [`Error::File`] where `out` holds something else, or cannot be written.
pub fn write(data: &Dataset, bundle: &Bundle, out: &Path) -> Result<usize, Error> {
    let split = Split::of(data)?;
    let catalogue = Catalogue::read(data, bundle, &split)?;
    let client = bundle.client(EngineKind::Compact)?;
    let model = &client.model;
    let mut engine = CompactEngine::new(&client)?;
    let firsts = firsts(data, &split);
    let leading = firsts.first().map_or(NONE, |row| data.interactions.user[*row]);
    let mut candidates = catalogue.candidates(leading);
    candidates.truncate(CANDIDATES);
    let block = catalogue.block(&candidates)?;
    let mut rows = Vec::new();
    for Case {
        name,
        viewer,
        context,
        options,
    } in cases(&catalogue, model, &firsts)?
    {
        let encoded = viewer.encode(model, &context)?;
        let vector = engine.user_vector(&encoded)?;
        let slate = recommend(&mut engine, model, &block, &viewer, &context, &options)?;
        let dropped = slate.dropped.iter().map(|dropped| DroppedVideo {
            id: block.id(dropped.row).to_owned(),
            reason: dropped.reason.as_str(),
        });
        let expected = Expected {
            categorical: encoded.categorical,
            dense: encoded.dense,
            vector,
            ids: slate.items.iter().map(|item| item.id.clone()).collect(),
            scores: slate.items.iter().map(|item| item.score).collect(),
            reasons: slate.items.iter().map(|item| item.reason.code.as_str()).collect(),
            receipt: slate.receipt,
            dropped: dropped.collect(),
        };
        let history = viewer.history.to_json();
        let row = Row {
            name,
            profile: viewer.profile,
            context,
            history: serde_json::from_str(&history).map_err(Error::file(out))?,
            options,
            expected,
        };
        rows.push(serde_json::to_string(&row).map_err(Error::file(out))?);
    }
    prepare(out)?;
    write_client(bundle, out)?;
    save(&out.join("block.pb"), &block.encode())?;
    save(
        &out.join("rows.json"),
        format!("[\n{}\n]\n", rows.join(",\n")).as_bytes(),
    )?;
    Ok(rows.len())
}

/// First test impressions of some users with a past, evenly spaced.
fn firsts(data: &Dataset, split: &Split) -> Vec<usize> {
    let table = &data.interactions;
    let test = split.rows(data, Side::Test);
    let mut known = vec![0_u32; data.users.len()];
    table.user[..test.start]
        .iter()
        .for_each(|user| known[*user as usize] += 1);
    let mut firsts: Vec<usize> = Vec::new();
    for row in test.filter(|row| table.video[*row] != NONE) {
        let past = &mut known[table.user[row] as usize];
        if *past >= EVENTS as u32 {
            *past = 0;
            firsts.push(row);
        }
    }
    let step = firsts.len().div_ceil(VIEWERS).max(1);
    firsts.into_iter().step_by(step).collect()
}

fn cases(catalogue: &Catalogue<'_>, model: &ClientModel, firsts: &[usize]) -> Result<Vec<Case>, Error> {
    let data = catalogue.data;
    let mut cases = Vec::new();
    for row in firsts {
        let user = data.interactions.user[*row];
        let viewer = Viewer {
            profile: data.profile(user, Some(*row)),
            history: history(catalogue, model, user, *row)?,
        };
        let case = |name: &str, viewer: &Viewer, context: Context, options: Options| Case {
            name: format!("{}: {name}", data.users.ids.name(user)),
            viewer: viewer.clone(),
            context,
            options,
        };
        let here = data.context(*row);
        cases.push(case("as it was", &viewer, here.clone(), Options::default()));
        for (name, device, hour, weekday) in [
            ("night, phone", "phone", 23.5, 2),
            ("Sunday, television", "tv", 20.0, 6),
        ] {
            let context = Context {
                device: Some(device.to_owned()),
                local_time: Some(LocalTime { hour, weekday }),
                ..here.clone()
            };
            cases.push(case(name, &viewer, context, Options::default()));
        }
        let options = Options {
            size: 6,
            diversity: 0.0,
            explore: 1.0,
            seed: 7,
            ..Options::default()
        };
        cases.push(case("exploring, in order of relevance", &viewer, here.clone(), options));
        for (name, options) in asking_heads(model) {
            cases.push(case(name, &viewer, here.clone(), options));
        }
        let stranger = Viewer::default();
        cases.push(case(
            "with profile and history wiped",
            &stranger,
            here,
            Options::default(),
        ));
    }
    Ok(cases)
}

/// What a page may ask of the heads that the bundle's ranker has beyond relevance; nothing of a ranker without.
fn asking_heads(model: &ClientModel) -> Vec<(&'static str, Options)> {
    let [_, further @ ..] = model.head_weights.all();
    if further.iter().all(Option::is_none) {
        return Vec::new();
    }
    let asking = |relevant, liked, finished, watched| Options {
        head_weights: Some(HeadWeights {
            relevant,
            liked,
            finished,
            watched,
        }),
        ..Options::default()
    };
    let mixed = Options {
        size: 8,
        diversity: 0.5,
        method: Method::Dpp,
        calibration: 0.4,
        per_channel: Some(2),
        ..asking(None, None, Some(0.5), Some(0.25))
    };
    vec![
        ("what is liked", asking(Some(0.0), Some(1.0), Some(0.0), Some(0.0))),
        ("relevance alone", asking(Some(1.0), Some(0.0), Some(0.0), Some(0.0))),
        ("more of what is finished, mixed as the viewer's past, by dpp", mixed),
    ]
}

/// The latest events before the row's instant, as a device would have stored them.
fn history(catalogue: &Catalogue<'_>, model: &ClientModel, user: u32, row: usize) -> Result<History, Error> {
    let data = catalogue.data;
    let table = &data.interactions;
    let own = |at: &usize| table.user[*at] == user && table.at_ms[*at] < table.at_ms[row];
    let mut events: Vec<StoredEvent> = (0..row)
        .rev()
        .filter(own)
        .take(EVENTS)
        .map(|at| {
            let (video, event) = (table.video[at], StoredEvent::new(table.kind[at], table.at_ms[at]));
            StoredEvent {
                video: (video != NONE).then(|| data.videos.ids.name(video).to_owned()),
                seconds: table.seconds[at],
                length_seconds: data.length_of(video),
                text: table.text.get(at).map(str::to_owned),
                surface: table.surface.get(at).map(str::to_owned),
                channel: data.videos.channel.get(video as usize).map(str::to_owned),
                title: None,
                model: catalogue.vectors.row(video).map(|vector| StoredModel {
                    bundle_id: model.bundle_id.clone(),
                    vector: StoredRow::new(vector),
                    factor: catalogue.factors.row(video).map(StoredRow::new),
                }),
                ..event
            }
        })
        .collect();
    events.reverse();
    Ok(History::from_events(events)?)
}

/// An empty directory, or one that held such a set.
fn prepare(out: &Path) -> Result<(), Error> {
    if out.is_dir() && std::fs::read_dir(out).map_err(Error::file(out))?.next().is_some() {
        if !out.join("rows.json").is_file() {
            return Err(Error::File {
                path: out.to_path_buf(),
                reason: "is not empty and holds no golden rows; name another directory".to_owned(),
            });
        }
        std::fs::remove_dir_all(out).map_err(Error::file(out))?;
    }
    std::fs::create_dir_all(out).map_err(Error::file(out))
}

fn write_client(bundle: &Bundle, out: &Path) -> Result<(), Error> {
    let id = &bundle.id;
    save(
        &out.join("current.json"),
        format!("{{\"bundle\":\"{id}\"}}\n").as_bytes(),
    )?;
    let root = out.join(id);
    save(&root.join("manifest.json"), &bundle.manifest_bytes()?)?;
    for entry in bundle.manifest.client_files() {
        save(&root.join(&entry.path), &bundle.read(entry.role)?)?;
    }
    Ok(())
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(Error::file(parent))?;
    }
    std::fs::write(path, bytes).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tempfile::TempDir;
    use upnext_core::block::Block;

    use super::*;
    use crate::evaluate::fixture::{bundle, world};

    #[test]
    fn the_set_is_a_bundle_that_gives_what_its_rows_say() {
        let (data, root, out) = (world(5), TempDir::new().unwrap(), TempDir::new().unwrap());
        let bundle = bundle(&data, &root);
        let set = out.path().join("set");
        let count = write(&data, &bundle, &set).unwrap();
        assert_eq!(count, write(&data, &bundle, &set).unwrap(), "writing twice");
        let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(set.join("rows.json")).unwrap()).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), count);
        assert!(count >= 10);
        let asks = |row: &&serde_json::Value| row["options"].get("headWeights").is_some();
        assert!(rows.as_array().unwrap().iter().filter(asks).count() >= 3, "heads");

        let client = Bundle::open(&set).unwrap().client(EngineKind::Compact).unwrap();
        let block = Block::decode(
            &std::fs::read(set.join("block.pb")).unwrap(),
            &bundle.id,
            client.model.dims(),
        )
        .unwrap();
        let mut engine = CompactEngine::new(&client).unwrap();
        for row in rows.as_array().unwrap() {
            let viewer = Viewer {
                profile: serde_json::from_value(row["profile"].clone()).unwrap(),
                history: History::parse(row["history"].to_string().as_bytes()).unwrap(),
            };
            let context: Context = serde_json::from_value(row["context"].clone()).unwrap();
            let options: Options = serde_json::from_value(row["options"].clone()).unwrap();
            let slate = recommend(&mut engine, &client.model, &block, &viewer, &context, &options).unwrap();
            let ids: Vec<&str> = slate.items.iter().map(|item| item.id.as_str()).collect();
            assert_eq!(serde_json::json!(ids), row["expected"]["ids"]);
            assert_eq!(slate.receipt, row["expected"]["receipt"].as_str().unwrap());
        }
    }

    #[test]
    fn a_directory_of_something_else_is_left_alone() {
        let out = TempDir::new().unwrap();
        std::fs::write(out.path().join("thesis.txt"), "years").unwrap();
        assert!(prepare(out.path()).is_err());
        assert!(out.path().join("thesis.txt").is_file());
    }
}
