//! A plot of what is added to the bare listener.

use super::contender::Contender;
use super::measure::Metric;
use super::report::Report;
use anyhow::anyhow;
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (900, 540);

/// Told from each other also by those who see few colours, and from white by all (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(204, 121, 167),
    BLACK,
];

/// The least that the axis shows, in microseconds: below it is noise.
const LEAST: f64 = 1.0;

/// Draws the processor time that a request takes more than on the bare listener: with one report a
/// point for each contender, with several a line. Vertical strokes go from the least to the most.
pub fn draw(path: &Path, axis: &str, reports: &[Report]) -> anyhow::Result<()> {
    draw_on(path, axis, reports).map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))
}

fn draw_on(path: &Path, axis: &str, reports: &[Report]) -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.contenders)
        .map(|row| &row.contender)
        .filter(|contender| **contender != Contender::Bare)
        .fold(Vec::new(), |mut all, one| {
            if !all.contains(&one) {
                all.push(one);
            }
            all
        });
    let spread = |report: &Report, contender: &Contender| {
        let row = report.contenders.iter().find(|row| row.contender == *contender)?;
        row.metrics.get(&Metric::Cpu)?.difference
    };
    let all = names.iter().flat_map(|name| reports.iter().filter_map(|it| spread(it, name)));
    let most = all.fold(10.0_f64, |most, it| most.max(it.max)) * 1.5;
    let last = reports.len() as f64 - 0.5;

    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("CPU per request, beyond the bare listener", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(-0.5..last, (LEAST..most).log_scale())?;
    let label = |at: &f64| {
        let near = reports.iter().enumerate().find(|(place, _)| (*place as f64 - at).abs() < 0.01);
        near.map(|(_, report)| report.name.clone()).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(reports.len().saturating_mul(2).saturating_add(1))
        .x_label_formatter(&label)
        .x_desc(axis)
        .y_desc("µs (logarithmic)")
        .draw()?;
    for ((number, contender), colour) in names.iter().enumerate().zip(COLOURS.iter().cycle()) {
        let colour = colour.stroke_width(2);
        // Side by side, so that no stroke hides another.
        let shift = (number as f64 - names.len() as f64 / 2.0) * 0.04;
        let points: Vec<_> = reports
            .iter()
            .enumerate()
            .filter_map(|(at, report)| Some((at as f64 + shift, spread(report, contender)?)))
            .collect();
        let line = points.iter().map(|(at, it)| (*at, it.median.max(LEAST)));
        let legend = colour;
        chart
            .draw_series(LineSeries::new(line.clone(), colour))?
            .label(contender.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x.saturating_add(16), y)], legend));
        chart.draw_series(line.map(|point| Circle::new(point, 4, colour.filled())))?;
        chart.draw_series(points.iter().map(|(at, it)| {
            PathElement::new([(*at, it.min.max(LEAST)), (*at, it.max.max(LEAST))], colour)
        }))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    root.present()?;
    Ok(())
}
