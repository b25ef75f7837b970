//! A golden set as files: `tests/golden/<set>/`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use upnext_core::block::Block;
use upnext_core::bundle::{ClientBundle, EngineKind, Pointer};
use upnext_core::engine::{CompactEngine, Engine as _};
use upnext_core::history::History;
use upnext_core::pipeline::{self, Options, Viewer};
use upnext_core::{Context, Profile};

/// A viewer at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What the row is about.
    pub name: String,
    /// Profile.
    pub profile: Profile,
    /// Moment; nothing is read from a host.
    pub context: Context,
    /// History, as [`History::to_json`] writes it.
    pub history: serde_json::Value,
    /// How the slate is made.
    pub options: Options,
}

/// What must come out of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Category rows of the user tower.
    pub categorical: Vec<u32>,
    /// Dense input of the user tower.
    pub dense: Vec<f32>,
    /// User vector.
    pub vector: Vec<f32>,
    /// Slate, in order.
    pub ids: Vec<String>,
    /// Scores of the slate.
    pub scores: Vec<f32>,
    /// Reason of each video in the slate.
    pub reasons: Vec<String>,
    /// Hash of the inputs.
    pub receipt: String,
    /// Everything else in the block.
    pub dropped: Vec<DroppedVideo>,
}

/// A video that is not in the slate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedVideo {
    /// Id.
    pub id: String,
    /// Name of the reason.
    pub reason: String,
}

/// A case with what must come out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// What must come out.
    pub expected: Expected,
}

/// A set: a bundle's client half, a block of it, rows.
pub struct Set {
    /// The verified bundle.
    pub bundle: ClientBundle,
    /// The verified block.
    pub block: Block,
    /// Rows.
    pub rows: Vec<Row>,
}

impl Set {
    /// A set without rows.
    pub fn of_parts(bundle: &crate::fixture::Bundle, block: &[u8]) -> Set {
        let read = |path: &str| bundle.files.get(path).cloned();
        let bundle = ClientBundle::assemble(&bundle.id, &bundle.manifest, EngineKind::Compact, read).unwrap();
        let block = Block::decode(block, &bundle.model.bundle_id, bundle.model.dims()).unwrap();
        Set {
            bundle,
            block,
            rows: Vec::new(),
        }
    }

    /// The set of this directory.
    pub fn read(dir: &Path) -> Set {
        let file = |path: &str| std::fs::read(dir.join(path)).ok();
        let Pointer { bundle: id } = Pointer::parse(&file("current.json").unwrap()).unwrap();
        let manifest = file(&format!("{id}/manifest.json")).unwrap();
        let read = |path: &str| file(&format!("{id}/{path}"));
        let bundle = ClientBundle::assemble(&id, &manifest, EngineKind::Compact, read).unwrap();
        let block = Block::decode(&file("block.pb").unwrap(), &id, bundle.model.dims()).unwrap();
        let rows = serde_json::from_slice(&file("rows.json").unwrap()).unwrap();
        Set { bundle, block, rows }
    }

    /// What the core makes of a case now.
    pub fn outcome(&self, case: &Case) -> Expected {
        let mut engine = CompactEngine::new(&self.bundle).unwrap();
        let model = &self.bundle.model;
        let viewer = Viewer {
            profile: case.profile.clone(),
            history: History::parse(case.history.to_string().as_bytes()).unwrap(),
        };
        let encoded = viewer.encode(model, &case.context).unwrap();
        let vector = engine.user_vector(&encoded).unwrap();
        let slate =
            pipeline::recommend(&mut engine, model, &self.block, &viewer, &case.context, &case.options).unwrap();
        assert_eq!(slate.user_vector, vector, "{}", case.name);
        Expected {
            categorical: encoded.categorical,
            dense: encoded.dense,
            vector,
            ids: slate.items.iter().map(|item| item.id.clone()).collect(),
            scores: slate.items.iter().map(|item| item.score).collect(),
            reasons: slate
                .items
                .iter()
                .map(|item| item.reason.code.as_str().to_owned())
                .collect(),
            receipt: slate.receipt,
            dropped: slate
                .dropped
                .iter()
                .map(|dropped| DroppedVideo {
                    id: self.block.id(dropped.row).to_owned(),
                    reason: dropped.reason.as_str().to_owned(),
                })
                .collect(),
        }
    }

    /// `rows.json` for these cases.
    pub fn write(&self, cases: &[Case]) -> Vec<u8> {
        let rows: Vec<Row> = cases
            .iter()
            .map(|case| Row {
                case: case.clone(),
                expected: self.outcome(case),
            })
            .collect();
        let lines: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        format!("[\n{}\n]\n", lines.join(",\n")).into_bytes()
    }
}

/// `sets.rs`: every set as Rust literals, for tests in a browser, where there are no files to read.
pub fn list(golden: &Path, names: &[String], sets: &[Set]) -> String {
    let mut text = "// Written by the test `golden` of crate/core.\n&[\n".to_owned();
    for (name, set) in names.iter().zip(sets) {
        let id = &set.bundle.model.bundle_id;
        text += &format!(
            "    GoldenSet {{\n        name: {name:?},\n        bundle_id: {id:?},\n        \
             manifest: include_bytes!(\"{name}/{id}/manifest.json\"),\n        \
             block: include_bytes!(\"{name}/block.pb\"),\n        \
             rows: include_str!(\"{name}/rows.json\"),\n        files: &[\n"
        );
        for file in set.bundle.manifest.client_files() {
            if golden.join(name).join(id).join(&file.path).is_file() {
                text += &format!(
                    "            ({:?}, include_bytes!(\"{name}/{id}/{}\")),\n",
                    file.path, file.path
                );
            }
        }
        text += "        ],\n    },\n";
    }
    text + "]\n"
}
