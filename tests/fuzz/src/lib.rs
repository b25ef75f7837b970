//! What is fuzzed: everything that arrives from outside. Any bytes are refused with an error, or can be used.
//!
//! `crate/core/tests/crashes.rs` runs the same functions over what once crashed and over the seeds, on any toolchain.

use std::path::Path;
use std::sync::OnceLock;

use upnext_core::block::Block;
use upnext_core::bundle::{ClientBundle, EngineKind, Manifest, Pointer, Tensors, sha256_hex};
use upnext_core::disclosure::{Ledger, RANDOM_WORDS, Report, Terms};
use upnext_core::engine::CompactEngine;
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::history::History;
use upnext_core::pipeline::{self, Options, Viewer};
use upnext_core::program::{Program, Scratch, Value};
use upnext_core::{Context, Profile};

/// The smallest golden set.
struct World {
    bundle: ClientBundle,
    block: Block,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/tiny"));
        // From here and from crate/core alike: both lie two folders below the root.
        let file = |path: &str| std::fs::read(dir.join(path)).ok();
        let id = Pointer::parse(&file("current.json").expect("golden set"))
            .expect("pointer")
            .bundle;
        let manifest = file(&format!("{id}/manifest.json")).expect("manifest");
        let read = |path: &str| file(&format!("{id}/{path}"));
        let bundle = ClientBundle::assemble(&id, &manifest, EngineKind::Compact, read).expect("bundle");
        let block = Block::decode(&file("block.pb").expect("block"), &id, bundle.model.dims()).expect("block");
        World { bundle, block }
    })
}

/// Ranks; whatever the parts hold, every candidate is in the slate or among the dropped, once.
fn rank(block: &Block, viewer: &Viewer) {
    let World { bundle, .. } = world();
    let mut engine = CompactEngine::new(bundle).expect("engine");
    let context = Context {
        now_ms: block.expires_at_ms().saturating_sub(1),
        utc_offset_minutes: Some(60),
        ..Context::default()
    };
    let options = Options {
        explore: 1.0,
        ..Options::default()
    };
    if let Ok(slate) = pipeline::recommend(&mut engine, &bundle.model, block, viewer, &context, &options) {
        let dropped = slate.dropped.iter().map(|dropped| block.id(dropped.row));
        let mut ids: Vec<&str> = slate.items.iter().map(|item| item.id.as_str()).chain(dropped).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), block.len());
    }
}

/// A compact program: decoded, and run on zeros.
pub fn program(bytes: &[u8]) {
    let Ok(program) = Program::decode(bytes) else { return };
    let widths: Vec<(usize, bool)> = program.inputs().iter().map(|input| (input.width, input.ids)).collect();
    if widths.iter().map(|(width, _)| width).sum::<usize>() > 1 << 20 {
        return;
    }
    let ids: Vec<Vec<u32>> = widths.iter().map(|(width, _)| vec![0; *width]).collect();
    let floats: Vec<Vec<f32>> = widths.iter().map(|(width, _)| vec![0.5; *width]).collect();
    let inputs: Vec<Value<'_>> = widths
        .iter()
        .zip(ids.iter().zip(&floats))
        .map(|((_, is_ids), (ids, floats))| if *is_ids { Value::Ids(ids) } else { Value::Dense(floats) })
        .collect();
    let width = program.output_width();
    if let Ok(output) = program.run(&inputs, 1, &mut Scratch::default()) {
        assert_eq!(output.len(), width);
    }
}

/// A candidate block of the golden bundle, ranked for a newcomer.
pub fn block(bytes: &[u8]) {
    let model = &world().bundle.model;
    if let Ok(block) = Block::decode(bytes, &model.bundle_id, model.dims()) {
        rank(&block, &Viewer::default());
    }
}

/// A feature spec: what is read is written back, and the same.
pub fn spec(bytes: &[u8]) {
    let Ok(spec) = FeatureSpec::from_json(bytes) else {
        return;
    };
    let written = spec.to_json().expect("a spec that was read can be written");
    assert_eq!(FeatureSpec::from_json(&written).as_ref(), Ok(&spec));
}

/// A manifest, under the id that its bytes have.
pub fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::parse(bytes, &sha256_hex(bytes)) {
        let written = manifest.to_json().expect("a manifest that was read can be written");
        assert_eq!(Manifest::parse(&written, &sha256_hex(&written)).as_ref(), Ok(&manifest));
    }
    let _ = Pointer::parse(bytes);
}

/// A safetensors file.
pub fn tensors(bytes: &[u8]) {
    if let Ok(tensors) = Tensors::parse("fuzz", bytes) {
        let _ = tensors.f32("gram", &[2, 2]);
    }
}

/// A profile that a page sets or a viewer imports, ranked with.
pub fn profile(bytes: &[u8]) {
    let Ok(profile) = Profile::from_json(bytes) else { return };
    let written = profile.to_json();
    assert_eq!(Profile::from_json(written.as_bytes()).as_ref(), Ok(&profile));
    let viewer = Viewer {
        profile,
        ..Viewer::default()
    };
    rank(&world().block, &viewer);
}

/// The ledger of metrics as a page keeps it, asked; and a report as anybody sends it.
pub fn ledger(bytes: &[u8]) {
    let _ = Report::parse(bytes);
    let Ok(mut ledger) = Ledger::parse(bytes) else { return };
    assert_eq!(Ledger::parse(ledger.to_json().as_bytes()).as_ref(), Ok(&ledger));
    let id = "0".repeat(64);
    for now_ms in [0, 1_790_000_000_000, i64::MAX] {
        if let Some(report) = ledger.tell(&Terms::CURRENT, &History::default(), &id, now_ms, [7; RANDOM_WORDS]) {
            let _ = report.to_json();
        }
    }
}

/// A history that a viewer imports, ranked with.
pub fn history(bytes: &[u8]) {
    let Ok(history) = History::parse(bytes) else { return };
    let written = history.to_json();
    assert_eq!(History::parse(written.as_bytes()).as_ref(), Ok(&history));
    let viewer = Viewer {
        history,
        ..Viewer::default()
    };
    rank(&world().block, &viewer);
}
