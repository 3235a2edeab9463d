//! Charts as inline SVG. Each has a table beside it that says the same.

use crate::report::charts::{Bar, Month};
use crate::report::finding::Level;
use maud::{Markup, html};

/// The width of every chart, in its own units; the page scales it.
const WIDTH: u32 = 560;

/// The height of a row of a chart of rows.
const ROW: u32 = 28;

/// The place for the names of rows.
const NAMES: u32 = 190;

/// How many letters of a name are shown in a chart. The whole is in the table.
const LETTERS: usize = 22;

/// The place beside the first column, for its slanted name.
const LEFT: u32 = 40;

/// The height of the plot of a chart of columns, and where it begins and ends.
const PLOT: (u32, u32, u32) = (150, 24, 174);

/// A chart of rows, one for each name.
pub fn rows(caption: &str, bars: &[Bar]) -> Markup {
    let most = most(bars.iter().map(|bar| bar.count));
    let height = number(bars.len()).saturating_mul(ROW).saturating_add(4);
    let room = WIDTH.saturating_sub(NAMES).saturating_sub(50);
    let chart = html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(caption) {
            @for (at, bar) in (0_u32..).zip(bars) {
                @let top = at.saturating_mul(ROW);
                @let middle = top.saturating_add(19);
                @let length = share(bar.count, most, room);
                text x=(NAMES.saturating_sub(10)) y=(middle) text-anchor="end" { (short(&bar.label)) }
                @if bar.count > 0 {
                    rect class="bar" x=(NAMES) y=(top.saturating_add(5)) width=(length) height="19" rx="3" {}
                }
                text class="soft" x=(NAMES.saturating_add(length).saturating_add(8)) y=(middle) { (bar.count) }
            }
        }
    };
    figure(caption, bars.iter().any(|bar| bar.count > 0), &chart, &table(bars))
}

/// A chart of columns, one for each name.
pub fn columns(caption: &str, bars: &[Bar]) -> Markup {
    let most = most(bars.iter().map(|bar| bar.count));
    let (height, _, bottom) = PLOT;
    let (step, width) = steps(bars.len());
    let chart = html! {
        (canvas(caption, &html! {
            @for (at, bar) in (0_u32..).zip(bars) {
                @let left = left(at, step, width);
                @let middle = left.saturating_add(width / 2);
                @let tall = share(bar.count, most, height);
                @if bar.count > 0 {
                    rect class="bar" x=(left) y=(bottom.saturating_sub(tall)) width=(width) height=(tall) rx="3" {}
                    text class="soft" x=(middle) y=(bottom.saturating_sub(tall).saturating_sub(5)) text-anchor="middle" { (bar.count) }
                }
                (under(middle, &bar.label))
            }
        }))
    };
    figure(caption, bars.iter().any(|bar| bar.count > 0), &chart, &table(bars))
}

/// A chart of columns in which levels stand on each other, the gravest at the bottom.
pub fn stacks(caption: &str, months: &[Month]) -> Markup {
    let total = |month: &Month| month.counts.values().sum::<usize>();
    let most = most(months.iter().map(total));
    let (height, _, bottom) = PLOT;
    let (step, width) = steps(months.len());
    let chart = html! {
        (canvas(caption, &html! {
            @for (at, month) in (0_u32..).zip(months) {
                @let left = left(at, step, width);
                @let middle = left.saturating_add(width / 2);
                @let parts = parts(month, most, height);
                @for (level, from, tall) in &parts {
                    rect class=(level.word()) x=(left) y=(bottom.saturating_sub(*from).saturating_sub(*tall)) width=(width) height=(tall) {}
                }
                @let all: u32 = parts.iter().map(|(_, _, tall)| *tall).sum();
                @if total(month) > 0 {
                    text class="soft" x=(middle) y=(bottom.saturating_sub(all).saturating_sub(5)) text-anchor="middle" { (total(month)) }
                }
                (under(middle, &month.label))
            }
        }))
        p class="soft" {
            @for level in Level::ALL { span class={"tag " (level.word())} { "■ " (level.word()) } "  " }
        }
    };
    let table = html! {
        table {
            thead { tr { th { "month" } @for level in Level::ALL { th class="count" { (level.word()) } } } }
            tbody {
                @for month in months {
                    tr {
                        td { (month.label) }
                        @for level in Level::ALL {
                            td class="count" { (month.counts.get(&level).copied().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    };
    figure(caption, months.iter().any(|month| total(month) > 0), &chart, &table)
}

/// The levels of a month that have findings: where each begins above the ground, and how tall it is.
fn parts(month: &Month, most: usize, height: u32) -> Vec<(Level, u32, u32)> {
    let mut from: u32 = 0;
    let mut parts = Vec::new();
    for level in Level::ALL {
        let count = month.counts.get(&level).copied().unwrap_or_default();
        if count > 0 {
            let tall = share(count, most, height);
            parts.push((level, from, tall));
            from = from.saturating_add(tall);
        }
    }
    parts
}

fn canvas(caption: &str, columns: &Markup) -> Markup {
    let (_, _, bottom) = PLOT;
    let height = bottom.saturating_add(52);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(caption) {
            (columns)
            line class="axis" x1="0" x2=(WIDTH) y1=(bottom) y2=(bottom) {}
        }
    }
}

/// A name under a column, slanted so that it does not meet its neighbour.
fn under(middle: u32, label: &str) -> Markup {
    let (_, _, bottom) = PLOT;
    let y = bottom.saturating_add(16);
    html! {
        text class="soft" x=(middle) y=(y) text-anchor="end" transform=(format!("rotate(-35 {middle} {y})")) { (label) }
    }
}

fn figure(caption: &str, has_marks: bool, chart: &Markup, table: &Markup) -> Markup {
    html! {
        figure {
            figcaption { (caption) }
            @if has_marks { (chart) } @else { p class="soft" { "There is nothing to draw." } }
            details { summary { "as a table" } (table) }
        }
    }
}

fn table(bars: &[Bar]) -> Markup {
    html! {
        table {
            thead { tr { th { "name" } th class="count" { "keys" } } }
            tbody { @for bar in bars { tr { td { (bar.label) } td class="count" { (bar.count) } } } }
        }
    }
}

/// How far columns are apart, and how wide they are.
fn steps(columns: usize) -> (u32, u32) {
    let step = WIDTH.saturating_sub(LEFT).checked_div(number(columns)).unwrap_or(WIDTH);
    (step, step.saturating_mul(7).saturating_div(10).clamp(1, 48))
}

/// Where a column begins.
fn left(at: u32, step: u32, width: u32) -> u32 {
    at.saturating_mul(step).saturating_add(step.saturating_sub(width) / 2).saturating_add(LEFT)
}

/// The part of a length that a number takes, at least one unit where there is any.
fn share(count: usize, most: usize, length: u32) -> u32 {
    let all = u128::from(length).saturating_mul(count as u128);
    let part = all.checked_div(most as u128).unwrap_or_default();
    u32::try_from(part).unwrap_or(length).max(u32::from(count > 0))
}

fn most(counts: impl Iterator<Item = usize>) -> usize {
    counts.max().unwrap_or_default().max(1)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn short(label: &str) -> String {
    if label.chars().count() <= LETTERS {
        return label.into();
    }
    let kept: String = label.chars().take(LETTERS.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_mark_and_none_has_none() {
        assert_eq!([0, 1, 500, 1_000].map(|count| share(count, 1_000, 300)), [0, 1, 150, 300]);
        assert_eq!(share(usize::MAX, usize::MAX, 300), 300);
        let bar = |label: &str, count| Bar { label: label.into(), count };
        let drawn = rows("keys", &[bar("a", 3), bar("b", 0)]).into_string();
        assert_eq!(drawn.matches("<rect").count(), 1);
        let empty = columns("keys", &[bar("a", 0)]).into_string();
        assert!(empty.contains("There is nothing to draw.") && !empty.contains("<svg"));
    }

    #[test]
    fn names_are_text_and_nothing_else() {
        let bar = Bar { label: "</text><script>\"&'".into(), count: 1 };
        let bars = [bar];
        for drawn in [rows("a\"<b>", &bars), columns("a\"<b>", &bars)] {
            let drawn = drawn.into_string();
            assert!(!drawn.contains("<script>") && !drawn.contains("<b>"), "{drawn}");
            assert!(drawn.contains("&lt;script&gt;"), "{drawn}");
        }
    }
}
