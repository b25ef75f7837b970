#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use crate::evaluate::fixture::{bundle, world};
use crate::evaluate::{EvaluateConfig, MODELS, evaluate, page};

#[test]
fn the_page_stands_alone_and_shows_every_model_in_every_plot() {
    let (data, dir) = (world(5), TempDir::new().unwrap());
    let bundle = bundle(&data, &dir);
    let config = EvaluateConfig {
        dial_users: 10,
        ..EvaluateConfig::default()
    };
    let report = evaluate(&data, &bundle, &config).unwrap();
    let html = page(&report);
    for outside in ["http:", "https:", "src=", "<script", "<link", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
    let heads = report.heads.len();
    assert!(heads >= 2, "{heads}");
    assert_eq!(html.matches("<figure>").count(), 7 + heads);
    assert_eq!(html.matches("<g class=\"before\">").count(), heads);
    assert_eq!(html.matches("<figure>").count(), html.matches("</figure>").count());
    assert!(!html.contains("NaN") && !html.contains("inf"));
    for model in MODELS {
        assert!(html.matches(&format!("<g class=\"{model}\">")).count() >= 6, "{model}");
    }
    let dials: Vec<f64> = report.dial.iter().map(|p| p.dial).collect();
    assert!(dials.len() > 3 && dials.is_sorted());
}
