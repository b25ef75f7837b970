//! Nothing that a device can answer is without a golden row: every reason to drop, every reason to show, every feature of
//! the user tower, every way to make slates differ, every error code of the core.

use std::collections::BTreeSet;

use prost::Message as _;
use upnext_core::block::{Block, BlockMessage};
use upnext_core::bundle::{BUNDLE_VERSION, ClientBundle, EngineKind, Manifest, sha256_hex};
use upnext_core::diversity::Method;
use upnext_core::engine::CompactEngine;
use upnext_core::explore::Exploration;
use upnext_core::feature::UserLayout;
use upnext_core::filter::DropReason;
use upnext_core::history::History;
use upnext_core::pipeline::{Options, Viewer, recommend};
use upnext_core::program::Program;
use upnext_core::reason::ReasonCode;
use upnext_core::{Code, Context, Error, Profile};

use crate::fixture::{self, NOW};
use crate::golden;
use crate::set::{Expected, Set};

fn tiny() -> Set {
    Set::read(&golden().join("tiny"))
}

#[test]
fn a_row_for_each_reason_to_drop_and_to_show() {
    let set = tiny();
    for reason in DropReason::ALL {
        let mut dropped = set.rows.iter().flat_map(|row| &row.expected.dropped);
        assert!(
            dropped.any(|one| one.reason == reason.as_str()),
            "no row drops for {}",
            reason.as_str()
        );
    }
    for code in ReasonCode::ALL {
        let mut reasons = set.rows.iter().flat_map(|row| &row.expected.reasons);
        assert!(
            reasons.any(|one| one == code.as_str()),
            "no row shows for {}",
            code.as_str()
        );
    }
}

#[test]
fn a_row_for_each_feature_known_and_unknown() {
    let set = tiny();
    let layout = UserLayout::new(&set.bundle.model.spec);
    let rows = || set.rows.iter().map(|row| &row.expected);
    for (at, column) in layout.categorical.iter().enumerate() {
        let values: BTreeSet<u32> = rows().map(|row| row.categorical[at]).collect();
        assert!(values.len() > 1, "{} is always {values:?}", column.name);
    }
    let vector = set.bundle.model.spec.vector_dim as usize;
    let (counts, factor, cold) = (layout.counts_at, layout.factor_at, layout.cold_at);
    let parts = [
        ("watched", 0..vector),
        ("liked", vector..2 * vector),
        ("commented", 2 * vector..3 * vector),
        ("disliked", 3 * vector..4 * vector),
        ("searched", 4 * vector..counts),
        ("factor", factor..cold),
        ("cold flag", cold..cold + 1),
    ];
    let of_counts = (counts..factor).map(|at| ("count", at..at + 1));
    for (what, part) in parts.into_iter().chain(of_counts) {
        let told = |row: &Expected| row.dense[part.clone()].iter().any(|value| *value != 0.0);
        let values: BTreeSet<bool> = rows().map(told).collect();
        assert_eq!(values.len(), 2, "{what} {part:?} is always told, or never");
    }
}

#[test]
fn a_row_for_each_way_to_make_a_slate() {
    let set = tiny();
    let asks = |what: &str, of: &dyn Fn(&Options) -> bool| {
        assert!(
            set.rows.iter().any(|row| of(&row.case.options)),
            "no row asks for {what}"
        );
    };
    for method in [Method::Mmr, Method::Dpp, Method::Ssd] {
        asks("each method", &|o| o.method == method && o.diversity > 0.0);
    }
    for exploration in [Exploration::Uniform, Exploration::Thompson] {
        asks("each exploration", &|o| o.exploration == exploration && o.explore > 0.0);
    }
    asks("calibration", &|o| o.calibration > 0.0);
    asks("caps", &|o| o.per_channel.is_some() && o.per_tag.is_some());
    asks("decay", &|o| o.decay > 0.0);
    asks("the personal head", &|o| o.personal > 0.0);
    asks("fatigue", &|o| o.fatigue > 0.0);
    asks("what plays", &|o| o.watching.is_some());
}

/// Codes that the core never gives: of the host, the server, the command line; and two of the module, which its own tests
/// have (`tests/node/bad-input.test.mjs`).
const ELSEWHERE: [Code; 22] = [
    Code::BundleMissing,
    Code::OpUnsupported,
    Code::OnnxInvalid,
    Code::ServerUnreachable,
    Code::ServerError,
    Code::StorageUnavailable,
    Code::NotReady,
    Code::AccountUnknown,
    Code::TokenInvalid,
    Code::Overloaded,
    Code::NotFound,
    Code::FileUnreadable,
    Code::TableEmpty,
    Code::ColumnMissing,
    Code::RowsMalformed,
    Code::UserWithoutEvents,
    Code::SplitEmpty,
    Code::TrainingDiverged,
    Code::ConfigInvalid,
    Code::TextModelUnsupported,
    Code::TextModelInvalid,
    Code::ReceiptMismatch,
];

#[test]
fn a_refusal_for_each_error_code_of_the_core() {
    let set = tiny();
    for code in Code::ALL.iter().filter(|code| !ELSEWHERE.contains(code)) {
        let refused =
            refusal(&set, *code).unwrap_or_else(|| panic!("nothing golden is refused with {}", code.as_str()));
        assert_eq!(refused.code(), *code, "{refused}");
    }
}

/// What is refused with this code.
fn refusal(set: &Set, code: Code) -> Option<Error> {
    let bundle = fixture::bundle();
    let block = fixture::block_bytes(&bundle.id);
    let dims = set.bundle.model.dims();
    let whole = |manifest: &[u8]| {
        let read = |path: &str| bundle.files.get(path).cloned();
        ClientBundle::assemble(&sha256_hex(manifest), manifest, EngineKind::Compact, read).map(|_| ())
    };
    let edited = |from: &str, to: &str| {
        let text = String::from_utf8(bundle.manifest.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        whole(text.replacen(from, to, 1).as_bytes())
    };
    let broken = |change: &dyn Fn(&mut BlockMessage)| {
        let mut message = BlockMessage::decode(&block[..]).unwrap();
        change(&mut message);
        Block::from_message(message, &bundle.id, dims).map(|_| ())
    };
    let asked = |now_ms: i64, size: usize| {
        let context = Context {
            now_ms,
            ..Context::default()
        };
        let options = Options {
            size,
            ..Options::default()
        };
        let mut engine = CompactEngine::new(&set.bundle)?;
        recommend(
            &mut engine,
            &set.bundle.model,
            &set.block,
            &Viewer::default(),
            &context,
            &options,
        )
        .map(|_| ())
    };
    let result = match code {
        Code::BundleUnreadable => whole(b"[]"),
        Code::BundleVersion => edited(&format!("\"version\": {BUNDLE_VERSION}"), "\"version\": 99"),
        Code::BundleCorrupt => Manifest::parse(&bundle.manifest, &"0".repeat(64)).map(|_| ()),
        Code::BundleIncomplete => {
            ClientBundle::assemble(&bundle.id, &bundle.manifest, EngineKind::Compact, |_| None).map(|_| ())
        }
        Code::BundleInconsistent => edited("\"vector_dim\": 8", "\"vector_dim\": 9"),
        Code::BundleMismatch => Block::decode(&block, &"f".repeat(64), dims).map(|_| ()),
        Code::BlockUnreadable => Block::decode(&block[..block.len() - 1], &bundle.id, dims).map(|_| ()),
        Code::BlockInvalid => broken(&|message| message.sources.clear()),
        Code::BlockExpired => asked(NOW + 86_400_000, 12),
        Code::NotFinite => broken(&|message| message.server_scores[3] = f32::NAN),
        Code::IdOutOfRange => broken(&|message| message.languages[3] = 999),
        Code::ProgramInvalid => Program::decode(b"no program").map(|_| ()),
        Code::RequestInvalid => asked(NOW, 0),
        Code::ProfileInvalid => {
            assert!(Profile::from_json(b"[]").is_err());
            History::parse(b"[]").map(|_| ())
        }
        _ => return None,
    };
    result.err()
}
