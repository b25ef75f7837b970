//! The section of slates that are ordered for other ends.

use std::fmt::Write as _;

use super::super::off_policy::{OffPolicyReport, Values};
use super::super::weightings::{EARNED, PLACES, Weighting, name};
use super::escape;
use super::off_policy::headed;
use crate::bootstrap::Interval;

fn cell(figure: Option<&Interval>, digits: usize) -> String {
    figure.map_or("<td>–</td>".to_owned(), |i| {
        format!(
            "<td>{:.digits$}<small>{:.digits$} – {:.digits$}</small></td>",
            i.value, i.low, i.high
        )
    })
}

/// Two rows for each weighting: what its places earned, and as a policy; of all but the first the difference to the first.
pub(super) fn section(weightings: &[Weighting], as_policies: Option<&OffPolicyReport>) -> String {
    let mut rows = String::new();
    for (at, weighting) in weightings.iter().enumerate() {
        let label = escape(&name(&weighting.weights));
        let (earned, sign) = match at {
            0 => (&weighting.earned, ""),
            _ => (&weighting.earned_minus, "Δ "),
        };
        let cells = EARNED.map(|reward| cell(earned.get(reward.as_str()), headed(reward).1));
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(rows, "<tr><th>{label}</th><th>{sign}earned</th>{}</tr>", cells.concat());
        let values = match at {
            0 => weighting.policy.as_ref().map(|policy| &policy.values),
            _ => weighting.policy_minus.as_ref(),
        };
        if let Some((values, as_policies)) = values.zip(as_policies) {
            let estimator = as_policies.main();
            let of = |values: &Values, name| values.get(name).and_then(|own| own.get(&estimator)).copied();
            let cells = EARNED.map(|reward| cell(of(values, reward.as_str()).as_ref(), headed(reward).1));
            let estimator = estimator.as_str();
            let _ = writeln!(rows, "<tr><th></th><th>{sign}{estimator}</th>{}</tr>", cells.concat());
        }
    }
    let heads: String = EARNED.iter().map(|r| format!("<th>{}</th>", headed(*r).0)).collect();
    format!(
        "<section><h2>By weights of the heads</h2><table><thead><tr><th></th><th></th>{heads}</tr></thead>\n\
         <tbody>{rows}</tbody></table><p>Slates of the device ordered for other ends; the first row is what the bundle weighs, the \
         others are the difference to it (Δ), each user with both. “earned”: the mean of what the first {PLACES} places earned \
         in the test window, where a video that nobody showed earned nothing. The other rows estimate policies, as above.</p>\
         </section>\n"
    )
}
