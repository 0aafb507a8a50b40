//! Which form does the caller want?

/// The forms in which figures can be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, version 0.0.4.
    #[default]
    Prometheus,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
    /// A JSON document.
    Json,
}

impl Format {
    /// What `format` in the query asks for, then what `Accept` prefers (RFC 9110 §12.5.1), then
    /// Prometheus text.
    ///
    /// Only a form that is named counts: `*/*` leaves the choice to us. Of forms that are wanted
    /// alike the one named first is taken. What cannot be read is passed over.
    pub fn negotiate(accept: Option<&str>, query: Option<&str>) -> Self {
        let asked = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| match pair.strip_prefix("format=")? {
                "json" => Some(Self::Json),
                "prometheus" | "text" => Some(Self::Prometheus),
                "openmetrics" => Some(Self::OpenMetrics),
                _ => None,
            });
        asked.unwrap_or_else(|| Self::preferred(accept.unwrap_or_default()))
    }

    fn preferred(accept: &str) -> Self {
        let mut best = (0, Self::Prometheus);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next().unwrap_or_default();
            let format = if named.eq_ignore_ascii_case("application/json") {
                Self::Json
            } else if named.eq_ignore_ascii_case("application/openmetrics-text") {
                Self::OpenMetrics
            } else if named.eq_ignore_ascii_case("text/plain") {
                Self::Prometheus
            } else {
                continue;
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=").map(thousandths));
            let weight = weight.unwrap_or(1_000);
            if weight > best.0 {
                best = (weight, format);
            }
        }
        best.1
    }

    /// The media type, for `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// A weight from 0 to 1; one that cannot be read counts as nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the weight is clamped"
)]
fn thousandths(weight: &str) -> u32 {
    weight
        .parse()
        .map_or(0, |weight: f64| (weight.clamp(0.0, 1.0) * 1_000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, query: &str, expected: Format) {
        assert_eq!(
            Format::negotiate(Some(accept), Some(query)),
            expected,
            "{accept} {query}"
        );
    }

    #[test]
    fn the_named_form_is_taken() {
        assert_eq!(Format::negotiate(None, None), Format::Prometheus);
        check("*/*", "", Format::Prometheus);
        check("application/json", "", Format::Json);
        check("Application/JSON; q=0.5, */*", "", Format::Json);
        check(
            "text/html, application/xhtml+xml, */*;q=0.8",
            "",
            Format::Prometheus,
        );
        check("application/json, text/plain, */*", "", Format::Json);
        check(
            "application/json;q=0.1, text/plain;q=0.2",
            "",
            Format::Prometheus,
        );
        check("application/json;q=0", "", Format::Prometheus);
        check("application/json;q=x", "", Format::Prometheus);
        check(
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "",
            Format::OpenMetrics,
        );
        check("text/plain", "window=5m&format=json", Format::Json);
        check("application/json", "format=prometheus", Format::Prometheus);
        check("application/json", "format=yaml", Format::Json);
    }
}
