//! The section of the ranker's heads: reliability before calibration and after.

use super::super::calibration::{Bin, Calibration};
use super::super::heads::HeadReport;
use super::plot::{Axis, Line, Plot};

/// What a head foretells, for a reader.
fn spoken(head: &str) -> &'static str {
    match head {
        "relevant" => "Relevant",
        "liked" => "Liked",
        "finished" => "Watched to 0.9 of its length",
        _ => "Fraction watched",
    }
}

/// A plot for each head.
pub(super) fn section(heads: &[HeadReport]) -> String {
    let plots: String = heads.iter().map(plot).collect();
    format!(
        "<section><h2>Whether probabilities mean what they say</h2>\
         <ul class=\"legend\"><li class=\"before\"><i></i>as learnt</li><li class=\"after\"><i></i>calibrated, as the device says it</li></ul>\n\
         <div class=\"plots\">\n{plots}</div>\
         <p>Bins of equal size. On the line, a probability means what it says. Calibration was fitted on a hold-out in time of the train \
         window; what is shown here is the test window.</p></section>\n"
    )
}

fn plot(head: &HeadReport) -> String {
    let line = |class, of: &Calibration| {
        let point = |bin: &Bin| (bin.predicted, bin.observed, None);
        Line {
            class,
            points: of.bins.iter().map(point).collect(),
            dots: true,
        }
    };
    let bins = head.before.bins.iter().chain(&head.after.bins);
    let most = bins.fold(0.01_f64, |most, bin| most.max(bin.predicted).max(bin.observed));
    let auc = match (head.auc, head.auc_of_relevant) {
        (Some(auc), Some(_)) if head.head == "relevant" => format!(" AUC {auc:.4}."),
        (Some(auc), Some(of_relevant)) => format!(" AUC {auc:.4}, of the head of relevance {of_relevant:.4}."),
        _ => String::new(),
    };
    Plot {
        title: spoken(head.head),
        note: format!(
            "{} impressions, mean {:.4}.{auc} Expected calibration error {:.4}, calibrated {:.4}; Brier score {:.4}, {:.4}. \
             Scale {:.3}, shift {:+.3}.",
            head.impressions,
            head.mean,
            head.before.ece,
            head.after.ece,
            head.before.brier,
            head.after.brier,
            head.scale,
            head.shift
        ),
        x: Axis::to("predicted", most),
        y: Some(Axis::to("observed", most)),
        lines: vec![line("before", &head.before), line("after", &head.after)],
        diagonal: true,
    }
    .svg()
}
