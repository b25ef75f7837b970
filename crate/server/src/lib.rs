//! Candidate server: prunes the catalogue to some hundred videos.
//!
//! ```text
//! GET /v1/candidates ── query ── token ──► experiment ──► known ──► source::… ──► blend ──► core::Block ──► protobuf | JSON
//! POST /v1/candidates ── videos that the viewer names ──► known ──► …
//! POST /v1/events   ── event ── store::writer ──► one commit for many ──► receipt
//! GET /v1/metrics/online ── store ── core::encounter ── core::reward ──► figures with intervals
//! PUT, DELETE /v1/videos/… ── video ── store ──► edition: obeyed by the next request
//! GET /bundle/…      ── the public half of each bundle
//! GET /healthz       ── what is served
//!                       shadow ── a sample of requests, scored with another bundle beside
//! ```
//! A request holds declared inputs and nothing else (DESIGN 9): account token, languages, size, bundle id, and in mode
//! `recent` the ids of some videos.

pub mod account;
pub mod admin;
pub mod app;
pub mod candidates;
pub mod catalogue;
pub mod cli;
pub mod column;
pub mod edition;
pub mod error;
pub mod event;
pub mod experiment;
pub mod export;
pub mod file_bytes;
pub mod item_tower;
pub mod json_block;
pub mod known;
pub mod limit;
pub mod metrics;
pub mod online;
mod prefetch;
pub mod pulse;
pub mod query;
pub mod recall;
pub mod rollback;
pub mod route;
mod row_hash;
pub mod serve;
pub mod serving;
pub mod shadow;
pub mod source;
pub mod stock;
pub mod store;
pub mod token;
pub mod vector_index;
pub mod video;
pub mod whole;
