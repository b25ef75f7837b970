//! The report as one page: no script, no request, light and dark.

mod ablation;
mod off_policy;
mod plot;
mod reliability;
mod weightings;

use std::fmt::Write as _;

use super::report::Report;
use super::{KS, MODELS};
use plot::{Axis, Line, Plot};

const STYLE: &str = include_str!("style.css");

/// The page.
#[must_use]
pub fn page(report: &Report) -> String {
    let test = &report.test;
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{0}: evaluation</title>\n<style>{STYLE}</style></head>\n<body><main><header><h1>{0}</h1>\
         <p>{1} impressions of the test window, {2} of them relevant; slates for {3} users out of {4} videos. \
         Bundle <code>{5}</code>. Bands and brackets hold 95 % of the draws of users.</p></header>\n",
        escape(&report.dataset),
        test.impressions,
        test.relevant,
        test.users,
        test.videos,
        escape(report.bundle.get(..12).unwrap_or(&report.bundle)),
    );
    html.push_str(&legend());
    html.push_str(&figures(report));
    html.push_str("<section class=\"plots\">\n");
    for (metric, title) in [
        ("precision", "Precision at k"),
        ("recall", "Recall at k"),
        ("ndcg", "nDCG at k"),
        ("map", "Mean average precision at k"),
    ] {
        html.push_str(&at_k(report, metric, title));
    }
    for plot in [lengths(report), dial(report), lorenz(report)] {
        html.push_str(&plot);
    }
    html.push_str("</section>\n");
    html.push_str(&reliability::section(&report.heads));
    html.push_str(&differences(report));
    if let Some(ablated) = &report.ablation {
        html.push_str(&ablation::section(ablated));
    }
    if let Some(as_policies) = &report.off_policy {
        html.push_str(&off_policy::section(as_policies));
    }
    if !report.weightings.is_empty() {
        html.push_str(&weightings::section(&report.weightings, report.off_policy.as_ref()));
    }
    html.push_str("</main></body></html>\n");
    // Tables scroll by themselves on a narrow screen: the keyboard must reach them there.
    html.replace("<section>", "<section tabindex=\"0\">")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// A model's name for a reader.
fn spoken(model: &str) -> &str {
    match model {
        "popular" => "popular",
        "cf" => "server order (CF)",
        "two_tower" => "two towers",
        _ => "device, whole path",
    }
}

fn legend() -> String {
    let entry = |model: &&str| format!("<li class=\"{model}\"><i></i>{}</li>", spoken(model));
    format!(
        "<ul class=\"legend\">{}</ul>\n",
        MODELS.iter().map(entry).collect::<String>()
    )
}

/// The main figures, one row per model.
fn figures(report: &Report) -> String {
    let mut rows = String::new();
    for name in MODELS {
        let Some(q) = report.models.get(name) else { continue };
        let own = report.intervals.models.get(name);
        let with = |figure: &str| {
            own.and_then(|own| own.get(figure)).map_or("–".to_owned(), |i| {
                format!("{:.4}<small>{:.4} – {:.4}</small>", i.value, i.low, i.high)
            })
        };
        let plain = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.3}"));
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            rows,
            "<tr class=\"{name}\"><th><i></i>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td><td>{:.3}</td></tr>",
            spoken(name),
            with("auc"),
            with("user_auc"),
            with("precision@10"),
            with("map@10"),
            with("recall@100"),
            plain(q.slates.diversity),
            plain(q.slates.tag_diversity),
            plain(q.slates.novelty),
            q.slates.coverage,
        );
    }
    format!(
        "<section><table><thead><tr><th>model</th><th>impression AUC</th><th>inside users</th><th>P@10</th><th>mAP@10</th>\
         <th>recall@100</th><th>diversity</th><th>by tags</th><th>novelty, bits</th><th>coverage</th></tr></thead>\n\
         <tbody>{rows}</tbody></table></section>\n"
    )
}

fn at_k(report: &Report, metric: &str, title: &str) -> String {
    let line = |model: &&'static str| {
        let own = report.intervals.models.get(model)?;
        let points = KS.iter().enumerate().filter_map(|(place, k)| {
            let at = own.get(&format!("{metric}@{k}"))?;
            Some((place as f64, at.value, Some((at.low, at.high))))
        });
        Some(Line {
            class: model,
            points: points.collect(),
            dots: true,
        })
    };
    let ticks = KS.iter().enumerate().map(|(place, k)| (place as f64, k.to_string()));
    Plot {
        title,
        note: "Slates as of the start of the test window, out of the whole catalogue.".to_owned(),
        x: Axis::with("k", ticks.collect()),
        y: None,
        lines: MODELS.iter().filter_map(line).collect(),
        diagonal: false,
    }
    .svg()
}

fn lengths(report: &Report) -> String {
    let line = |model: &&'static str| Line {
        class: model,
        points: report
            .by_length
            .iter()
            .enumerate()
            .filter_map(|(place, bucket)| Some((place as f64, bucket.auc.get(model).copied().flatten()?, None)))
            .collect(),
        dots: true,
    };
    let label =
        |(place, b): (usize, &super::Bucket)| (place as f64, format!("{:.0}–{:.0} s", b.from_seconds, b.to_seconds));
    Plot {
        title: "Impression AUC by length",
        note: "Inside a range of lengths it does not help to know that short videos are finished more often."
            .to_owned(),
        x: Axis::with("length", report.by_length.iter().enumerate().map(label).collect()),
        y: None,
        lines: MODELS.iter().map(line).collect(),
        diagonal: false,
    }
    .svg()
}

fn dial(report: &Report) -> String {
    if report.dial.is_empty() {
        return String::new();
    }
    let most = report.dial.iter().fold(0.0_f64, |most, p| most.max(p.coverage));
    let described = report.dial.iter().map(|p| {
        format!(
            "{:.2}: P@10 {:.4}, diversity {:.2}",
            p.dial,
            p.precision,
            p.diversity.unwrap_or(0.0)
        )
    });
    Plot {
        title: "Relevance against coverage as the dial turns",
        note: format!(
            "P@10 by the share of the catalogue that is shown. Dial {}.",
            described.collect::<Vec<_>>().join("; ")
        ),
        x: Axis::to("coverage", most),
        y: None,
        lines: vec![Line {
            class: "device",
            points: report.dial.iter().map(|p| (p.coverage, p.precision, None)).collect(),
            dots: true,
        }],
        diagonal: false,
    }
    .svg()
}

fn lorenz(report: &Report) -> String {
    let line = |model: &&'static str| {
        let shares = report.lorenz.get(model)?;
        let parts = shares.len().saturating_sub(1).max(1) as f64;
        Some(Line {
            class: model,
            points: shares
                .iter()
                .enumerate()
                .map(|(i, share)| (i as f64 / parts, *share, None))
                .collect(),
            dots: false,
        })
    };
    let gini = MODELS
        .iter()
        .filter_map(|m| Some(format!("{} {:.3}", spoken(m), report.models.get(m)?.slates.gini)));
    Plot {
        title: "Who gets the exposure (Lorenz curve)",
        note: format!(
            "Share of all places that the least shown videos have. Gini: {}.",
            gini.collect::<Vec<_>>().join(", ")
        ),
        x: Axis::to("share of the catalogue", 1.0),
        y: Some(Axis::to("share of places", 1.0)),
        lines: MODELS.iter().filter_map(line).collect(),
        diagonal: true,
    }
    .svg()
}

/// The device minus each other model, user by user.
fn differences(report: &Report) -> String {
    let shown = ["auc", "user_auc", "precision@10", "map@10", "ndcg@10", "recall@100"];
    let mut rows = String::new();
    for name in MODELS {
        let Some(own) = report.intervals.device_minus.get(name) else {
            continue;
        };
        let cell = |figure: &&str| {
            own.get(*figure).map_or("<td>–</td>".to_owned(), |i| {
                let class = if i.low > 0.0 {
                    "ahead"
                } else if i.high < 0.0 {
                    "behind"
                } else {
                    "open"
                };
                format!(
                    "<td class=\"{class}\">{:+.4}<small>{:+.4} – {:+.4}</small></td>",
                    i.value, i.low, i.high
                )
            })
        };
        let _ = writeln!(
            rows,
            "<tr class=\"{name}\"><th><i></i>{}</th>{}</tr>",
            spoken(name),
            shown.iter().map(cell).collect::<String>()
        );
    }
    let heads: String = shown.iter().map(|figure| format!("<th>{figure}</th>")).collect();
    format!(
        "<section><h2>The device minus …</h2><table><thead><tr><th></th>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>\
         <p>Drawn in pairs: each user with both models. Coloured where the interval excludes zero.</p></section>\n"
    )
}

#[cfg(test)]
mod tests;
