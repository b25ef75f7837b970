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
use crate::shadow::{DEPTHS, Shadowed};
use crate::source::Candidate;

/// Edges of the histograms of time, in seconds: around the budget of 20 ms.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Edges of the histograms of shares.
const SHARES: [f64; 12] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0];

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

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ArmLabel {
    arm: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DepthLabel {
    depth: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BundleLabel {
    bundle: &'static str,
}

type Times<S> = Family<S, Histogram, fn() -> Histogram>;

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

fn shares() -> Histogram {
    Histogram::new(SHARES)
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
    missing: Family<SourceLabel, Counter>,
    searchable: Gauge,
    arm_blocks: Family<ArmLabel, Counter>,
    recent_videos: Family<ResultLabel, Counter>,
    shadow: Family<ResultLabel, Counter>,
    shadow_overlap: Times<DepthLabel>,
    shadow_rank_biased_overlap: Histogram,
    shadow_new: Histogram,
    shadow_seconds: Times<BundleLabel>,
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
            missing: Family::default(),
            searchable: Gauge::default(),
            arm_blocks: Family::default(),
            recent_videos: Family::default(),
            shadow: Family::default(),
            shadow_overlap: Family::new_with_constructor(shares),
            shadow_rank_biased_overlap: shares(),
            shadow_new: shares(),
            shadow_seconds: Family::new_with_constructor(histogram),
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
        registry.register(
            "missing_sources",
            "Blocks without a source, since the engine that it searches with did not answer",
            metrics.missing.clone(),
        );
        registry.register(
            "searchable",
            "1 where all bundles can be searched, 0 where an engine is away or is being filled",
            metrics.searchable.clone(),
        );
        registry.register(
            "arm_blocks",
            "Blocks that name an arm of the experiment",
            metrics.arm_blocks.clone(),
        );
        registry.register(
            "recent_videos",
            "Videos that viewers without an account named, by whether they are there",
            metrics.recent_videos.clone(),
        );
        registry.register(
            "shadow_requests",
            "Requests to be scored with the shadow's bundle too, by what became of them",
            metrics.shadow.clone(),
        );
        registry.register(
            "shadow_overlap",
            "Share of the first candidates that both bundles offer",
            metrics.shadow_overlap.clone(),
        );
        registry.register(
            "shadow_rank_biased_overlap",
            "Rank-biased overlap of both orders, p = 0.98",
            metrics.shadow_rank_biased_overlap.clone(),
        );
        registry.register(
            "shadow_new",
            "Share of the shadow's candidates that were not in the answer",
            metrics.shadow_new.clone(),
        );
        registry.register(
            "shadow_seconds",
            "Time of the selection, of the answer and with the shadow's bundle",
            metrics.shadow_seconds.clone(),
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

    /// Candidates of a block, and the arm that it names.
    pub fn offered(&self, candidates: &[Candidate], arm: Option<&str>) {
        if let Some(arm) = arm {
            let label = ArmLabel { arm: arm.to_owned() };
            self.arm_blocks.get_or_create(&label).inc();
        }
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

    /// Sources that a block had to do without.
    pub fn missing(&self, sources: &[&'static str]) {
        for source in sources {
            self.missing.get_or_create(&SourceLabel { source }).inc();
        }
    }

    /// Whether all bundles can be searched now.
    pub fn searchable(&self, is_searchable: bool) {
        self.searchable.set(is_searchable.into());
    }

    /// What became of events.
    pub fn told(&self, stored: usize, known: usize, refused: usize) {
        for (result, count) in [("stored", stored), ("known", known), ("refused", refused)] {
            self.events.get_or_create(&ResultLabel { result }).inc_by(count as u64);
        }
    }

    /// Videos that somebody without an account named: how many are there, and how many are not.
    pub fn named(&self, known: usize, unknown: usize) {
        for (result, count) in [("known", known), ("unknown", unknown)] {
            self.recent_videos
                .get_or_create(&ResultLabel { result })
                .inc_by(count as u64);
        }
    }

    /// What became of a request that was to be scored with the shadow's bundle too.
    pub fn shadowed(&self, became: Shadowed) {
        let result = match became {
            Shadowed::Compared { .. } => "compared",
            Shadowed::Skipped => "skipped",
            Shadowed::Dropped => "dropped",
            Shadowed::Failed => "failed",
        };
        if let Shadowed::Compared {
            agreement,
            took,
            shadow_took,
        } = became
        {
            let depths = DEPTHS.iter().map(ToString::to_string).chain(["all".to_owned()]);
            for (depth, overlap) in depths.zip(agreement.overlap) {
                self.shadow_overlap
                    .get_or_create(&DepthLabel { depth })
                    .observe(overlap);
            }
            self.shadow_rank_biased_overlap.observe(agreement.rank_biased_overlap);
            self.shadow_new.observe(agreement.new);
            for (bundle, took) in [("answer", took), ("shadow", shadow_took)] {
                self.shadow_seconds
                    .get_or_create(&BundleLabel { bundle })
                    .observe(took.as_secs_f64());
            }
        }
        // Last: whoever sees it counted sees the figures too.
        self.shadow.get_or_create(&ResultLabel { result }).inc();
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
