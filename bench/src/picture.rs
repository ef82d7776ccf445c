//! Draws curves as SVG, for light and dark themes.

use std::fmt::Write as _;

use crate::curves::{Curve, Point};

const PANEL: (f64, f64) = (380.0, 230.0);
const COLUMNS: usize = 2;
/// The margins of a panel, for its title and axes.
const MARGIN: (f64, f64) = (52.0, 44.0);
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;fill:#1f2328}\
    .axis{stroke:#8c959f;stroke-opacity:.5}polyline{fill:none;stroke-width:2}\
    .rate{stroke:#0969da;fill:#0969da}.late{stroke:#bc4c00;fill:#bc4c00}text.rate,text.late{stroke:none}\
    polyline.rate,polyline.late{fill:none}polyline.late{stroke-dasharray:5 3}\
    @media(prefers-color-scheme:dark){text{fill:#9198a1}.title{fill:#f0f6fc}\
    .rate{stroke:#4493f8;fill:#4493f8}.late{stroke:#db6d28;fill:#db6d28}}";

/// Draws all curves, one panel each.
pub fn draw(curves: &[Curve]) -> String {
    let rows = curves.len().div_ceil(COLUMNS);
    let (width, height) = (PANEL.0 * to_f64(COLUMNS), PANEL.1 * to_f64(rows) + 24.0);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"How requests a second and response times change with size\">\n<style>{STYLE}</style>\n\
         <text x=\"12\" y=\"18\"><tspan class=\"rate\">requests/s</tspan> and <tspan class=\"late\">p99, ms</tspan>, \
         each from zero to its own highest</text>\n"
    );
    for (index, curve) in curves.iter().enumerate() {
        let (x, y) = (PANEL.0 * to_f64(index % COLUMNS), PANEL.1 * to_f64(index / COLUMNS) + 24.0);
        _ = writeln!(picture, "<g transform=\"translate({x} {y})\">\n{}</g>", panel(curve));
    }
    picture + "</svg>\n"
}

fn panel(curve: &Curve) -> String {
    let (left, right) = (MARGIN.0, PANEL.0 - MARGIN.0);
    let bottom = PANEL.1 - MARGIN.1;
    let mut panel = format!(
        "<text class=\"title\" x=\"{left}\" y=\"20\">{}: {}</text>\n<path class=\"axis\" d=\"M{left} {bottom}H{right}\"/>\n",
        curve.page, curve.of
    );
    for point in &curve.points {
        _ = writeln!(
            panel,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            across(curve, point),
            bottom + 18.0,
            short(point.size)
        );
    }
    panel
        + &line(curve, "rate", left - 6.0, "end", |point| point.per_second)
        + &line(curve, "late", right + 6.0, "start", |point| point.p99)
}

/// Draws one line, with its scale at `scale_x`.
fn line(curve: &Curve, class: &str, scale_x: f64, anchor: &str, value: impl Fn(&Point) -> f64) -> String {
    let highest = curve.points.iter().map(&value).fold(f64::MIN_POSITIVE, f64::max);
    let (top, bottom) = (MARGIN.1, PANEL.1 - MARGIN.1);
    let up = |value: f64| bottom - value / highest * (bottom - top);
    let points: Vec<_> =
        curve.points.iter().map(|point| format!("{:.1},{:.1}", across(curve, point), up(value(point)))).collect();
    format!(
        "<polyline class=\"{class}\" points=\"{}\"/>\n<text class=\"{class}\" x=\"{scale_x}\" y=\"{}\" \
         text-anchor=\"{anchor}\">{}</text>\n",
        points.join(" "),
        top + 4.0,
        short(highest)
    )
}

/// The logarithmic x position: each size is a multiple of the one before.
fn across(curve: &Curve, point: &Point) -> f64 {
    let first = curve.points.first().map_or(1.0, |point| point.size).ln();
    let last = curve.points.last().map_or(1.0, |point| point.size).ln();
    MARGIN.0 + (point.size.ln() - first) / (last - first).max(f64::MIN_POSITIVE) * (PANEL.0 - 2.0 * MARGIN.0)
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{:.0}M", value / 1_000_000.0),
        value if value >= 10_000.0 => format!("{:.0}k", value / 1_000.0),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{}", (value * 10.0).round() / 10.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "of a few panels")]
fn to_f64(number: usize) -> f64 {
    number as f64
}
