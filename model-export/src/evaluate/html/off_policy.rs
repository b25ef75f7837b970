//! The section of the models as policies.

use std::fmt::Write as _;

use super::super::MODELS;
use super::super::off_policy::OffPolicyReport;
use super::spoken;
use crate::bootstrap::Interval;
use crate::off_policy::{ESTIMATORS, LogKind, Reward};

/// What a reward is called, and how many digits its figures have.
pub(super) fn headed(reward: Reward) -> (&'static str, usize) {
    match reward {
        Reward::Relevant => ("relevant", 4),
        Reward::Click => ("click-through", 4),
        Reward::Completed => ("completed", 4),
        Reward::WatchSeconds => ("seconds watched", 1),
        Reward::Liked => ("liked", 4),
        Reward::Rejected => ("rejected", 4),
    }
}

/// One table: a row per policy and estimator, a column per reward.
pub(super) fn section(report: &OffPolicyReport) -> String {
    let cell = |interval: Option<&Interval>, digits: usize| {
        interval.map_or("<td>–</td>".to_owned(), |i| {
            format!(
                "<td>{:.digits$}<small>{:.digits$} – {:.digits$}</small></td>",
                i.value, i.low, i.high
            )
        })
    };
    let mut rows = String::new();
    for name in MODELS {
        let Some(policy) = report.policies.get(name) else {
            continue;
        };
        for estimator in ESTIMATORS.into_iter().filter(|e| e.fits(report.log)) {
            let cells = Reward::ALL.map(|reward| {
                let of = policy.values.get(reward.as_str()).and_then(|own| own.get(&estimator));
                cell(of, headed(reward).1)
            });
            // Writing to a String cannot fail.
            let _ = writeln!(
                rows,
                "<tr class=\"{name}\"><th><i></i>{}</th><th>{}</th>{}<td>{:.0}</td>{}</tr>",
                spoken(name),
                estimator.as_str(),
                cells.concat(),
                policy.effective,
                cell(policy.mean_weight.as_ref(), 3),
            );
        }
    }
    let heads: String = Reward::ALL
        .iter()
        .map(|r| format!("<th>{}</th>", headed(*r).0))
        .collect();
    let log = match report.log {
        LogKind::Propensities => "Weights are the policy's chance over the log's own.",
        LogKind::Uniform => "The log showed all alike: what a policy would have shown too is replayed.",
    };
    let clip = report
        .clip
        .map_or(String::new(), |clip| format!(" Weights over {clip} count as {clip}."));
    format!(
        "<section><h2>As policies</h2><table><thead><tr><th></th><th></th>{heads}<th>effective impressions</th>\
         <th>mean weight</th></tr></thead>\n<tbody>{rows}</tbody></table>\
         <p>Mean of an impression, from {} impressions of {} users, if each place had been filled from the first {} of the \
         model's slate not shown yet. {log}{clip} A mean weight below 1 says what share of a policy the log can speak of. \
         “naive” is the mean of the log, whoever is judged.</p></section>\n",
        report.impressions, report.users, report.slate
    )
}
