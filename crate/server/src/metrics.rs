//! What an operator watches, as Prometheus reads it. No label holds anything of a person.

use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::json_block::SOURCE_NAMES;
use crate::source::Candidate;

/// Edges of the histograms of time, in seconds: around the budget of 20 ms.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// A request by route, method and status.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

type Times<S> = Family<S, Histogram, fn() -> Histogram>;

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// A stage of a candidate request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a processor.
    Queue,
    /// Reading what is known of the account.
    Account,
    /// Sources and blending.
    Select,
    /// Columns, bytes, verification.
    Block,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Stage::Queue => "queue",
            Stage::Account => "account",
            Stage::Select => "select",
            Stage::Block => "block",
        }
    }
}

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Times<RouteLabel>,
    stage_seconds: Times<StageLabel>,
    candidates: Family<SourceLabel, Counter>,
    events: Family<ResultLabel, Counter>,
    bundles: Family<ResultLabel, Counter>,
    in_flight: Gauge,
    sampled: Counter,
    sampled_found: Counter,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("upnext"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            stage_seconds: Family::new_with_constructor(histogram),
            candidates: Family::default(),
            events: Family::default(),
            bundles: Family::default(),
            in_flight: Gauge::default(),
            sampled: Counter::default(),
            sampled_found: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Answered requests", metrics.requests.clone());
        registry.register("request_seconds", "Time to answer", metrics.request_seconds.clone());
        registry.register(
            "stage_seconds",
            "Time of a stage of a block",
            metrics.stage_seconds.clone(),
        );
        registry.register(
            "candidates",
            "Candidates by source that named them",
            metrics.candidates.clone(),
        );
        registry.register(
            "events",
            "Events that were told, by what became of them",
            metrics.events.clone(),
        );
        registry.register(
            "bundles",
            "Other bundles, by what became of them",
            metrics.bundles.clone(),
        );
        registry.register(
            "in_flight",
            "Requests that are being answered",
            metrics.in_flight.clone(),
        );
        registry.register(
            "recall_sampled",
            "Hits that a sample of exact searches found",
            metrics.sampled.clone(),
        );
        registry.register(
            "recall_found",
            "Those of them that the index had found",
            metrics.sampled_found.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Everything in the text format of Prometheus.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A request was answered. `route` is the pattern, never the path.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            route: route.to_owned(),
            method: method.to_owned(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        let route = RouteLabel { route: labels.route };
        self.request_seconds.get_or_create(&route).observe(took.as_secs_f64());
    }

    /// A stage took the time since `started`.
    pub fn stage(&self, stage: Stage, started: Instant) {
        let label = StageLabel { stage: stage.name() };
        self.stage_seconds
            .get_or_create(&label)
            .observe(started.elapsed().as_secs_f64());
    }

    /// Candidates of a block.
    pub fn offered(&self, candidates: &[Candidate]) {
        for (bit, source) in SOURCE_NAMES {
            let count = candidates
                .iter()
                .filter(|candidate| candidate.sources & bit != 0)
                .count();
            self.candidates
                .get_or_create(&SourceLabel { source })
                .inc_by(count as u64);
        }
    }

    /// What became of events.
    pub fn told(&self, stored: usize, known: usize, refused: usize) {
        for (result, count) in [("stored", stored), ("known", known), ("refused", refused)] {
            self.events.get_or_create(&ResultLabel { result }).inc_by(count as u64);
        }
    }

    /// What became of another bundle.
    pub fn bundle(&self, taken: bool) {
        let result = if taken { "taken" } else { "refused" };
        self.bundles.get_or_create(&ResultLabel { result }).inc();
    }

    /// A search was made again exactly: of `sampled` true hits the index had found `found`.
    pub fn recall(&self, sampled: usize, found: usize) {
        self.sampled.inc_by(sampled as u64);
        self.sampled_found.inc_by(found as u64);
    }

    /// A request begins, unless `most` are being answered already. It ends when the answer is dropped.
    #[must_use]
    pub fn begin(&self, most: usize) -> Option<InFlight> {
        let before = self.in_flight.inc();
        let request = InFlight(self.in_flight.clone());
        usize::try_from(before)
            .is_ok_and(|before| before < most)
            .then_some(request)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
