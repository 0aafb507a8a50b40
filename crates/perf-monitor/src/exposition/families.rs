//! The text formats: families of samples with their help and type.
//!
//! Prometheus text 0.0.4 and OpenMetrics 1.0 differ in the name under which a counter is announced,
//! in how whole bounds are written, and in the last line. A family is announced with its first
//! sample, so one without samples is not there.
//!
//! A thousand routes make some 50,000 lines: what lines have in common is written once and copied.

use std::fmt::{self, Write};

use super::negotiate::Format;

/// How much text is written before [`Families::pausing`]'s pause: some tens of microseconds.
const STRETCH: usize = 64 << 10;

/// A document in the making.
#[derive(Clone, Debug)]
pub struct Families {
    text: String,
    open_metrics: bool,
    pause: fn(),
    paused_at: usize,
}

impl Families {
    /// An empty document: OpenMetrics where `format` is that, otherwise Prometheus text.
    pub fn new(format: Format) -> Self {
        Self {
            text: String::new(),
            open_metrics: format == Format::OpenMetrics,
            pause: || {},
            paused_at: 0,
        }
    }

    /// Writes into the room of `text`, whose content goes: a document of thousands of routes has megabytes.
    pub fn into_room_of(mut self, mut text: String) -> Self {
        text.clear();
        self.text = text;
        self
    }

    /// Calls `pause` every 64 KiB of text, where a thread that stands back may let others run.
    pub fn pausing(self, pause: fn()) -> Self {
        Self { pause, ..self }
    }

    /// A counter, whose name ends with `_total`.
    pub fn counter<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a> {
        self.family(name, help, "counter")
    }

    /// A gauge.
    pub fn gauge<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a> {
        self.family(name, help, "gauge")
    }

    /// A histogram with the upper bounds `bounds`, ascending, and one bucket above them.
    pub fn histogram<'a>(
        &'a mut self,
        name: &'a str,
        help: &'a str,
        bounds: &[f64],
    ) -> HistogramFamily<'a> {
        let whole = |bound: &f64| {
            if self.open_metrics {
                format!("{bound:?}\"}} ") // `1.0`, the form that OpenMetrics calls canonical.
            } else {
                format!("{bound}\"}} ")
            }
        };
        let bounds = bounds
            .iter()
            .map(whole)
            .chain(["+Inf\"} ".to_owned()])
            .collect();
        HistogramFamily {
            family: self.family(name, help, "histogram"),
            bounds,
            labels: String::new(),
            start: String::new(),
        }
    }

    fn family<'a>(&'a mut self, name: &'a str, help: &'a str, kind: &'static str) -> Family<'a> {
        Family {
            families: self,
            name,
            help,
            kind,
            announced: false,
        }
    }

    /// Pauses where it is time to.
    fn rest(&mut self) {
        if self.text.len() - self.paused_at >= STRETCH {
            self.paused_at = self.text.len();
            (self.pause)();
        }
    }

    /// The document.
    pub fn finish(mut self) -> String {
        if self.open_metrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// A family of counters or gauges.
#[derive(Debug)]
pub struct Family<'a> {
    families: &'a mut Families,
    name: &'a str,
    help: &'a str,
    kind: &'static str,
    announced: bool,
}

impl Family<'_> {
    /// One sample. Labels with an empty value are left out: to Prometheus they are the same.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Number>) -> &mut Self {
        self.announce();
        self.families.rest();
        let text = &mut self.families.text;
        text.push_str(self.name);
        text.push('{');
        let inside = text.len();
        write_labels(text, labels);
        if text.len() == inside {
            text.pop();
        } else {
            text.push('}');
        }
        text.push(' ');
        line_end(text, value.into());
        self
    }

    fn announce(&mut self) {
        if std::mem::replace(&mut self.announced, true) {
            return;
        }
        let Families {
            text, open_metrics, ..
        } = &mut *self.families;
        let name = match self.name.strip_suffix("_total") {
            Some(name) if *open_metrics && self.kind == "counter" => name,
            _ => self.name,
        };
        for part in ["# HELP ", name, " "] {
            text.push_str(part);
        }
        escape(text, self.help, *open_metrics);
        for part in ["\n# TYPE ", name, " ", self.kind, "\n"] {
            text.push_str(part);
        }
    }
}

/// A family of histograms.
#[derive(Debug)]
pub struct HistogramFamily<'a> {
    family: Family<'a>,
    /// What stands behind `le="` in each bucket's line, up to its count.
    bounds: Vec<String>,
    // The last sample's, for their room.
    labels: String,
    start: String,
}

impl HistogramFamily<'_> {
    /// One histogram: for each bound, and once more above the last, how many values fell between it
    /// and the bound before.
    pub fn sample(
        &mut self,
        labels: &[(&str, &str)],
        counts: &[u64],
        sum: impl Into<Number>,
    ) -> &mut Self {
        self.family.announce();
        self.family.families.rest();
        let Self {
            family,
            bounds,
            labels: inside,
            start,
        } = self;
        inside.clear();
        write_labels(inside, labels);
        let comma = if inside.is_empty() { "" } else { "," };
        let (text, name) = (&mut family.families.text, family.name);
        start.clear();
        for part in [name, "_bucket{", inside, comma, "le=\""] {
            start.push_str(part);
        }
        let mut below = 0;
        let counts = counts.iter().copied().chain(std::iter::repeat(0));
        for (bound, count) in bounds.iter().zip(counts) {
            below += count;
            text.push_str(start);
            text.push_str(bound);
            line_end(text, below.into());
        }
        let (open, close) = if inside.is_empty() {
            ("", " ")
        } else {
            ("{", "} ")
        };
        for (suffix, value) in [("_sum", sum.into()), ("_count", below.into())] {
            for part in [name, suffix, open, inside, close] {
                text.push_str(part);
            }
            line_end(text, value);
        }
        self
    }
}

/// A sample's value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Number {
    /// A count.
    Whole(u64),
    /// Anything else.
    Real(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Real(value) if value.is_nan() => f.write_str("NaN"),
            Self::Real(value) if value.is_infinite() && *value > 0.0 => f.write_str("+Inf"),
            Self::Real(value) if value.is_infinite() => f.write_str("-Inf"),
            Self::Real(value) => value.fmt(f),
        }
    }
}

fn line_end(text: &mut String, value: Number) {
    match value {
        Number::Whole(value) => text.push_str(itoa::Buffer::new().format(value)),
        // Writing to a string cannot fail.
        real @ Number::Real(_) => drop(write!(text, "{real}")),
    }
    text.push('\n');
}

fn write_labels(text: &mut String, labels: &[(&str, &str)]) {
    let start = text.len();
    for (name, value) in labels {
        if value.is_empty() {
            continue;
        }
        if text.len() > start {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        escape(text, value, true);
        text.push('"');
    }
}

fn escape(text: &mut String, value: &str, quotes: bool) {
    if !value
        .bytes()
        .any(|byte| matches!(byte, b'\\' | b'\n' | b'"'))
    {
        return text.push_str(value);
    }
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    fn fill(mut families: Families) -> String {
        families
            .counter("urm_things_total", "Things.\nMany \"of\" them.")
            .sample(&[("name", "a\"b\\c\nd"), ("empty", "")], 3_u64)
            .sample(&[], 0.5);
        families.gauge("urm_unused", "Nothing.");
        families
            .histogram("urm_time_seconds", "Times.", &[0.5, 1.0])
            .sample(&[("route", "a")], &[1, 0, 2], 7.25)
            .sample(&[], &[], 0_u64);
        families.finish()
    }

    #[test]
    fn prometheus_text() {
        let expected = r#"# HELP urm_things_total Things.\nMany "of" them.
# TYPE urm_things_total counter
urm_things_total{name="a\"b\\c\nd"} 3
urm_things_total 0.5
# HELP urm_time_seconds Times.
# TYPE urm_time_seconds histogram
urm_time_seconds_bucket{route="a",le="0.5"} 1
urm_time_seconds_bucket{route="a",le="1"} 1
urm_time_seconds_bucket{route="a",le="+Inf"} 3
urm_time_seconds_sum{route="a"} 7.25
urm_time_seconds_count{route="a"} 3
urm_time_seconds_bucket{le="0.5"} 0
urm_time_seconds_bucket{le="1"} 0
urm_time_seconds_bucket{le="+Inf"} 0
urm_time_seconds_sum 0
urm_time_seconds_count 0
"#;
        assert_eq!(fill(Families::new(Format::Prometheus)), expected);
    }

    #[test]
    fn open_metrics_announces_counters_without_their_suffix() {
        let text = fill(Families::new(Format::OpenMetrics));
        assert!(text.starts_with("# HELP urm_things Things.\\nMany \\\"of\\\" them.\n# TYPE urm_things counter\nurm_things_total{"));
        assert!(text.contains("le=\"1.0\""));
        assert!(text.ends_with("\n# EOF\n"));
    }

    #[test]
    fn a_long_text_pauses_and_leaves_its_room_to_the_next() {
        static PAUSES: AtomicUsize = AtomicUsize::new(0);
        let mut families = Families::new(Format::Prometheus).pausing(|| {
            PAUSES.fetch_add(1, Relaxed);
        });
        let mut family = families.gauge("urm_things", "Things.");
        for _ in 0..STRETCH / 4 {
            family.sample(&[], 1_u64); // Thirteen bytes each.
        }
        let text = families.finish();
        assert_eq!(PAUSES.load(Relaxed), text.len() / STRETCH);
        let room = text.capacity();
        let next = Families::new(Format::Prometheus).into_room_of(text);
        let next = next.finish();
        assert!(next.is_empty() && next.capacity() == room);
    }

    #[test]
    fn numbers_that_are_none_have_a_name() {
        assert_eq!(Number::from(f64::NAN).to_string(), "NaN");
        assert_eq!(Number::from(f64::INFINITY).to_string(), "+Inf");
        assert_eq!(Number::from(f64::NEG_INFINITY).to_string(), "-Inf");
        assert_eq!(Number::from(true).to_string(), "1");
    }
}
