//! Candidate server: prunes the catalogue to some hundred videos.
//!
//! ```text
//! GET /v1/candidates ── query ── token ──► source::cf, source::content ──► merge ──► core::Block ──► protobuf | JSON
//! GET /bundle/…      ── the public half of each bundle
//! GET /healthz       ── what is served
//! ```
//! A request holds declared inputs and nothing else (DESIGN 9): account token, languages, size, bundle id.

pub mod app;
pub mod candidates;
pub mod catalogue;
pub mod cli;
pub mod error;
pub mod json_block;
pub mod query;
pub mod route;
pub mod serve;
pub mod source;
pub mod token;
pub mod vector_index;
