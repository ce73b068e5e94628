//! Drawing: axes in money, bars, lines and keys as SVG. Coordinates are estimates of what is exact beside the picture.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::html::{fitted, text};
use crate::money::decimal::Decimal;

/// How wide a character of an axis is at most.
const CHARACTER: f64 = 7.0;
/// How much of a scale there is at least for an amount: a twentieth stays free above it.
const ROOM: f64 = 1.05;
/// How many colours there are.
pub(super) const COLOURS: usize = 8;

/// The size of a picture: one for screens and paper, one for phones.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Size {
    Wide,
    Narrow,
}

impl Size {
    pub(super) fn width(self) -> f64 {
        match self {
            Self::Wide => 720.0,
            Self::Narrow => 340.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// A picture in both sizes, of which one is shown. `draw` returns what is in it and how high it is.
pub(super) fn picture(title: &str, draw: impl Fn(Size) -> (Markup, f64)) -> Markup {
    html! {
        @for size in [Size::Wide, Size::Narrow] {
            @let (body, height) = draw(size);
            svg class={ "chart " (size.class()) } viewBox={ "0 0 " (length(size.width())) " " (length(height)) } role="img" {
                title { (text(title)) }
                (body)
            }
        }
    }
}

/// A length with one place.
pub(super) fn length(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A count as a length.
pub(super) fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// Amounts along an axis.
pub(super) struct Scale {
    low: f64,
    high: f64,
    /// Where there are marks, and what they say.
    pub(super) marks: Vec<(f64, String)>,
}

impl Scale {
    /// A scale that holds zero and all of `amounts`, with about `marks` marks. The last mark is beyond the largest amount,
    /// so that what reaches it is not taken for something that is cut.
    pub(super) fn of(amounts: impl Iterator<Item = Decimal>, currency: &str, marks: f64) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for amount in amounts {
            (low, high) = (low.min(amount.to_f64()), high.max(amount.to_f64()));
        }
        if high - low <= 0.0 {
            high = 1.0;
        }
        let step = step((high - low) / marks);
        let (first, last) = ((low / step * ROOM).floor(), (high / step * ROOM).ceil());
        (low, high) = (first * step, last * step);
        let mut found = Vec::new();
        let mut at = first;
        // Of a range that has no end there are no marks.
        while at <= last && found.len() < 20 {
            found.push((at * step, mark(at * step, step, high.abs().max(low.abs()), currency)));
            at += 1.0;
        }
        Self { low, high, marks: found }
    }

    /// Where an amount lies between `from` (the lowest) and `to` (the highest).
    pub(super) fn at(&self, amount: f64, from: f64, to: f64) -> f64 {
        from + (amount - self.low) / (self.high - self.low) * (to - from)
    }

    /// How wide the widest mark is.
    pub(super) fn marks_width(&self) -> f64 {
        self.marks.iter().map(|(_, mark)| count(mark.chars().count()) * CHARACTER).fold(0.0, f64::max)
    }
}

/// The least of 1, 2, 2.5, 5 and their tenfolds that is not below `least`.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * power)
}

/// What a mark says: `$2,500`, `$25k`, `$7.50`, `$0.05`.
fn mark(value: f64, step: f64, most: f64, currency: &str) -> String {
    let (unit, suffix) = match most {
        _ if value.abs() < f64::EPSILON => (1.0, ""),
        most if most >= 1e10 => (1e9, "bn"),
        most if most >= 1e7 => (1e6, "M"),
        most if most > 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let scaled = (step / unit).abs();
    let is_whole = |places: &i32| {
        let shifted = scaled * 10_f64.powi(*places);
        (shifted - shifted.round()).abs() < 1e-6 * shifted.max(1.0) && shifted >= 0.5
    };
    let least_places = (0..9).find(is_whole).and_then(|places| usize::try_from(places).ok()).unwrap_or(9);
    // Money has two places where it has any: $7.50, but $2.5k.
    let places = if least_places == 1 && suffix.is_empty() { 2 } else { least_places };
    let number = format!("{:.places$}", value.abs() / unit);
    let (whole, rest) =
        number.split_once('.').map_or((number.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), crate::text::grouped);
    let sign = if value < 0.0 { "-" } else { "" };
    match currency {
        "USD" => format!("{sign}${whole}{rest}{suffix}"),
        "" => format!("{sign}{whole}{rest}{suffix}"),
        code => format!("{sign}{} {whole}{rest}{suffix}", fitted(code, 8)),
    }
}

/// A word in a picture.
pub(super) fn word(class: &str, x: f64, y: f64, said: &str) -> Markup {
    html! { text class=(class) x=(length(x)) y=(length(y)) { (said) } }
}

/// A rectangle as part of a path.
pub(super) fn bar(path: &mut String, x: f64, y: f64, width: f64, height: f64) {
    let (x, y, width, height) = (length(x), length(y), length(width), length(height));
    // Writing to a String cannot fail.
    let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
}

/// A path, unless there is nothing in it.
pub(super) fn path(class: &str, path: &str) -> Markup {
    html! { @if !path.is_empty() { path class=(class) d=(path) {} } }
}

/// A line through points.
pub(super) fn line(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let _ = write!(path, "{}{} {}", if path.is_empty() { "M" } else { "L" }, length(x), length(y));
    }
    path
}

/// A picture whose amounts go upwards and whose slots are days.
pub(super) struct Columns {
    pub(super) scale: Scale,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    slots: f64,
}

impl Columns {
    pub(super) fn new(size: Size, scale: Scale, slots: usize) -> Self {
        let left = scale.marks_width() + 8.0;
        let height = if size == Size::Wide { 260.0 } else { 220.0 };
        Self { left, right: size.width() - 6.0, top: 16.0, bottom: height, slots: count(slots.max(1)), scale }
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom + 27.0
    }

    pub(super) fn y(&self, amount: f64) -> f64 {
        self.scale.at(amount, self.bottom, self.top)
    }

    pub(super) fn slot_width(&self) -> f64 {
        (self.right - self.left) / self.slots
    }

    /// Where a slot begins.
    pub(super) fn x(&self, slot: usize) -> f64 {
        self.left + count(slot) * self.slot_width()
    }

    /// Lines for the marks, and what they say; `words` stand below slots.
    pub(super) fn axes(&self, words: &[(usize, String)]) -> Markup {
        let middle = |slot: usize| self.x(slot) + self.slot_width() / 2.0;
        html! {
            @for (amount, said) in &self.scale.marks {
                @let y = self.y(*amount);
                (path(axis(*amount), &format!("M{} {}H{}", length(self.left), length(y), length(self.right))))
                (word("end", self.left - 6.0, y + 4.0, said))
            }
            @for (slot, said) in words { (word("middle", middle(*slot), self.bottom + 21.0, said)) }
        }
    }
}

/// How high a row of [`Rows`] is, of which its name takes the upper part.
const ROW: f64 = 38.0;
const ROW_NAME: f64 = 14.0;

/// A picture whose amounts go sideways, each below its name.
pub(super) struct Rows {
    scale: Scale,
    size: Size,
    count: f64,
}

impl Rows {
    pub(super) fn new(size: Size, amounts: impl Iterator<Item = Decimal>, currency: &str, rows: usize) -> Self {
        let marks = if size == Size::Wide { 6.0 } else { 3.0 };
        Self { scale: Scale::of(amounts, currency, marks), size, count: count(rows) }
    }

    pub(super) fn height(&self) -> f64 {
        self.count * ROW + 30.0
    }

    pub(super) fn x(&self, amount: f64) -> f64 {
        self.scale.at(amount, 8.0, self.size.width() - 8.0)
    }

    /// A part of a row's bar.
    pub(super) fn part(&self, row: usize, from: f64, to: f64, into: &mut String) {
        let (from, to) = (self.x(from), self.x(to));
        bar(into, from.min(to), count(row) * ROW + ROW_NAME + 6.0, (from - to).abs().max(0.5), 13.0);
    }

    pub(super) fn name(&self, row: usize, said: &str) -> Markup {
        let room = if self.size == Size::Wide { 80 } else { 36 };
        word("start on", 8.0, count(row) * ROW + ROW_NAME, &fitted(said, room))
    }

    pub(super) fn axes(&self) -> Markup {
        let bottom = self.count * ROW + 6.0;
        let last = self.scale.marks.len().saturating_sub(1);
        let aligned = |index: usize| match index {
            0 => "start",
            index if index == last => "end",
            _ => "middle",
        };
        html! {
            @for (index, (amount, said)) in self.scale.marks.iter().enumerate() {
                @let x = self.x(*amount);
                (path(axis(*amount), &format!("M{} 18V{}", length(x), length(bottom))))
                (word(aligned(index), x, bottom + 16.0, said))
            }
        }
    }
}

/// How the line of a mark is drawn: that of zero stands out.
fn axis(amount: f64) -> &'static str {
    if amount.abs() < f64::EPSILON { "axis" } else { "grid" }
}

/// What a colour stands for.
pub(super) struct Key {
    /// The class of its paths.
    pub(super) class: String,
    /// What it stands for.
    pub(super) said: Markup,
}

/// The keys of a picture.
pub(super) fn legend(keys: &[Key]) -> Markup {
    html! {
        ul.legend {
            @for key in keys {
                li {
                    svg.key viewBox="0 0 16 12" aria-hidden="true" { (path(&key.class, "M0 0h16v12H0z")) }
                    " "
                    span { (key.said) }
                }
            }
        }
    }
}

/// What is drawn with each colour: a ground, and lines that tell it from others without colours.
const PATTERNS: [&str; COLOURS] = [
    "",
    "M-1 1l2-2M0 8l8-8M7 9l2-2",
    "M-1 7l2 2M0 0l8 8M7-1l2 2",
    "M0 4h8",
    "M4 0v8",
    "M2 2h2v2h-2z",
    "M0 2h8M0 6h8",
    "M0 4h8M4 0v8",
];

/// The patterns of all pictures of a page.
pub(super) fn patterns() -> Markup {
    html! {
        svg.patterns aria-hidden="true" {
            defs {
                @for (index, lines) in PATTERNS.iter().enumerate() {
                    pattern id={ "p" (index) } width="8" height="8" patternUnits="userSpaceOnUse" {
                        (path(&format!("c{index}"), "M0 0h8v8H0z"))
                        path class="ink" d=(lines) {}
                    }
                }
                pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" {
                    (path("hatching", "M-1 1l2-2M0 6l6-6M5 7l2-2"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::decimal;

    fn marks(amounts: &[&str]) -> Vec<String> {
        let amounts = amounts.iter().map(|amount| decimal(amount));
        Scale::of(amounts, "USD", 4.0).marks.into_iter().map(|(_, said)| said).collect()
    }

    #[test]
    fn there_is_room_above_the_highest_of_equal_amounts() {
        for amount in ["10", "10000", "0.4", "99.99"] {
            let scale = Scale::of([decimal(amount), decimal(amount)].into_iter(), "USD", 4.0);
            assert!(scale.at(decimal(amount).to_f64(), 0.0, 1.0) < 0.96, "{amount}");
            let below = format!("-{amount}");
            let scale = Scale::of(std::iter::once(decimal(&below)), "USD", 4.0);
            assert!(scale.at(decimal(&below).to_f64(), 0.0, 1.0) > 0.04, "{below}");
        }
    }

    #[test]
    fn marks_of_money_have_two_places_where_they_have_any() {
        assert_eq!(marks(&["9.9"]), ["$0.00", "$2.50", "$5.00", "$7.50", "$10.00", "$12.50"]);
        assert_eq!(marks(&["9000"]), ["$0", "$2,500", "$5,000", "$7,500", "$10,000"]);
        assert_eq!(marks(&["9900"]).last().unwrap(), "$12.5k");
        assert_eq!(marks(&["0.019"]).last().unwrap(), "$0.020");
    }
}
