//! One line plot as inline SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;

/// Ticks of an axis; its range is that of the ticks.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    name: String,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// These ticks.
    pub(super) fn with(name: &str, ticks: Vec<(f64, String)>) -> Axis {
        Axis {
            name: name.to_owned(),
            ticks,
        }
    }

    /// Round ticks from 0 to `most` at least.
    pub(super) fn to(name: &str, most: f64) -> Axis {
        Axis::between(name, 0.0, most)
    }

    /// Round ticks that hold the range.
    fn between(name: &str, low: f64, high: f64) -> Axis {
        let span = (high - low).max(1e-9);
        let power = 10_f64.powf((span / 5.0).log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| span / s <= 5.5)
            .unwrap_or(span);
        let (first, last) = ((low / step + 1e-9).floor() as i64, (high / step - 1e-9).ceil() as i64);
        let digits = (-step.log10().floor()).max(0.0) as usize + usize::from((step / power - 2.5).abs() < 1e-6);
        let label = |i: i64| (i as f64 * step, format!("{:.digits$}", i as f64 * step));
        Axis::with(name, (first..=last).map(label).collect())
    }

    fn place(&self, value: f64) -> f64 {
        let (low, high) = match (self.ticks.first(), self.ticks.last()) {
            (Some(low), Some(high)) if high.0 > low.0 => (low.0, high.0),
            _ => (0.0, 1.0),
        };
        (value - low) / (high - low)
    }
}

/// `(x, y, interval of y)`.
pub(super) type Point = (f64, f64, Option<(f64, f64)>);

/// Points of one colour.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) points: Vec<Point>,
    pub(super) dots: bool,
}

/// A plot with its words.
#[derive(Debug, Clone)]
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) note: String,
    pub(super) x: Axis,
    /// `None`: as high and low as the points.
    pub(super) y: Option<Axis>,
    pub(super) lines: Vec<Line>,
    /// A line from corner to corner.
    pub(super) diagonal: bool,
}

impl Plot<'_> {
    /// The figure with its caption.
    pub(super) fn svg(&self) -> String {
        let y_axis = self.y.clone().unwrap_or_else(|| self.own_y());
        let x = |v: f64| LEFT + self.x.place(v) * (WIDTH - LEFT - RIGHT);
        let y = |v: f64| HEIGHT - BOTTOM - y_axis.place(v) * (HEIGHT - TOP - BOTTOM);
        let mut body = String::new();
        // Writing to a String cannot fail.
        for (value, label) in &y_axis.ticks {
            let _ = write!(
                body,
                "<path class=\"grid\" d=\"M{LEFT} {0:.1}H{1}\"/><text class=\"y\" x=\"{2}\" y=\"{3:.1}\">{label}</text>",
                y(*value),
                WIDTH - RIGHT,
                LEFT - 8.0,
                y(*value) + 4.0
            );
        }
        for (value, label) in &self.x.ticks {
            let _ = write!(
                body,
                "<text x=\"{:.1}\" y=\"{}\">{label}</text>",
                x(*value),
                HEIGHT - BOTTOM + 18.0
            );
        }
        let _ = write!(
            body,
            "<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 5.0,
            self.x.name
        );
        if !y_axis.name.is_empty() {
            let middle = (HEIGHT - BOTTOM + TOP) / 2.0;
            let _ = write!(
                body,
                "<text class=\"name\" transform=\"translate(13 {middle}) rotate(-90)\">{}</text>",
                y_axis.name
            );
        }
        if self.diagonal {
            let _ = write!(
                body,
                "<path class=\"diagonal\" d=\"M{LEFT} {}L{} {TOP}\"/>",
                HEIGHT - BOTTOM,
                WIDTH - RIGHT
            );
        }
        for line in &self.lines {
            body.push_str(&line.svg(&x, &y));
        }
        format!(
            "<figure><h3>{0}</h3><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\">{body}</svg>\
             <figcaption>{1}</figcaption></figure>\n",
            self.title, self.note
        )
    }

    fn own_y(&self) -> Axis {
        let ends = self
            .lines
            .iter()
            .flat_map(|line| &line.points)
            .flat_map(|(_, y, band)| {
                let (low, high) = band.unwrap_or((*y, *y));
                [low, high, *y]
            });
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return Axis::to("", 1.0);
        }
        Axis::between("", low, high.max(low + 1e-4))
    }
}

impl Line {
    fn svg(&self, x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) -> String {
        let mut svg = format!("<g class=\"{}\">", self.class);
        let banded: Option<Vec<(f64, f64, f64)>> = self
            .points
            .iter()
            .map(|(at, _, band)| band.map(|(low, high)| (*at, low, high)))
            .collect();
        if let Some(band) = banded.filter(|band| band.len() > 1) {
            let upper = band
                .iter()
                .map(|(at, _, high)| format!("{:.1} {:.1}", x(*at), y(*high)));
            let lower = band
                .iter()
                .rev()
                .map(|(at, low, _)| format!("{:.1} {:.1}", x(*at), y(*low)));
            let outline: Vec<String> = upper.chain(lower).collect();
            let _ = write!(svg, "<path class=\"band\" d=\"M{}Z\"/>", outline.join("L"));
        }
        let path: Vec<String> = self
            .points
            .iter()
            .map(|(at, v, _)| format!("{:.1} {:.1}", x(*at), y(*v)))
            .collect();
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"line\" d=\"M{}\"/>", path.join("L"));
        }
        for (at, v, _) in self.points.iter().filter(|_| self.dots) {
            let _ = write!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{v:.4}</title></circle>",
                x(*at),
                y(*v)
            );
        }
        svg.push_str("</g>");
        svg
    }
}
