//! Which bytes does a `Range` field ask for? (RFC 9110 §14.1)

use http::HeaderMap;
use http::header::RANGE;
use smallvec::SmallVec;

use super::{Ranged, Span};

/// A set with more members than this gets the whole; what follows them is not even read.
const MEMBERS_MAX: usize = 32;
/// More parts than this, after those that touch have been joined, get the whole.
const PARTS_MAX: usize = 16;
/// More ranges than this that overlap others get the whole: §14.2 calls them egregious, and no reader of a
/// file has a use for them.
const OVERLAPPING_MAX: usize = 2;
/// A part of fewer bytes is small: what frames it takes about as many (§15.3.7.2).
const SMALL: u64 = 80;
/// More small parts than this get the whole.
const SMALL_MAX: usize = 8;

/// The ranges that a request asks for; one or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted(SmallVec<[Range; 1]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From `first` to `last`, both counted in; without an end it ends at the last number there is.
    From { first: u64, last: u64 },
    /// So many bytes at the end.
    Last(u64),
}

impl Wanted {
    /// Reads the one `Range` line of a request; `None` where it is to be passed over.
    pub(crate) fn of(request: &HeaderMap) -> Option<Self> {
        let mut lines = request.get_all(RANGE).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => Self::parse(line.as_bytes()),
            _ => None,
        }
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let (unit, set) = split_once(line.trim_ascii(), b'=')?;
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        let mut ranges = SmallVec::new();
        for (at, member) in set.split(|byte| *byte == b',').enumerate() {
            if at == MEMBERS_MAX {
                return None;
            }
            let member = member.trim_ascii();
            // A list may have empty members (§5.6.1.2).
            if !member.is_empty() {
                ranges.push(Range::parse(member)?);
            }
        }
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// What the ranges get of a body of `length` bytes.
    pub(crate) fn within(&self, length: u64) -> Ranged {
        let is_end = |range: &Range| matches!(range, Range::Last(1..));
        if length == 0 && self.0.iter().any(is_end) {
            // The end of an empty body can be had (§14.1.2), but no `Content-Range` can speak of no bytes.
            return Ranged::Whole;
        }
        let ranges = self.0.iter();
        let spans: SmallVec<[Span; 1]> = ranges.filter_map(|range| range.within(length)).collect();
        let overlapping = spans.iter().enumerate().filter(|(at, span)| {
            let mut others = spans.iter().enumerate().filter(|(other, _)| other != at);
            others.any(|(_, other)| span.overlaps(*other))
        });
        if overlapping.count() > OVERLAPPING_MAX {
            return Ranged::Whole;
        }
        match &*joined(&spans) {
            [] => Ranged::Unsatisfiable,
            [span] => Ranged::One(*span),
            spans if spans.len() > PARTS_MAX => Ranged::Whole,
            spans if spans.iter().filter(|span| span.bytes() < SMALL).count() > SMALL_MAX => {
                Ranged::Whole
            }
            spans => Ranged::Many(spans.into()),
        }
    }
}

impl Range {
    fn parse(member: &[u8]) -> Option<Self> {
        match split_once(member, b'-')? {
            (b"", count) => number(count).map(Self::Last),
            (first, last) => {
                let first = number(first)?;
                let last = match last {
                    b"" => u64::MAX,
                    last => number(last)?,
                };
                // One that ends before it begins makes the whole set invalid (§14.1.1).
                (first <= last).then_some(Self::From { first, last })
            }
        }
    }

    /// The bytes of a body that it names; none where there are none.
    fn within(self, length: u64) -> Option<Span> {
        let end = length.checked_sub(1)?;
        let (first, last) = match self {
            Self::From { first, last } => (first, last.min(end)),
            Self::Last(count) => (length.saturating_sub(count), end),
        };
        (first <= end).then_some(Span { first, last })
    }
}

/// Joins what overlaps or touches; each stands where the first of its ranges stood (§15.3.7.2).
fn joined(spans: &[Span]) -> SmallVec<[Span; 1]> {
    let mut parts: SmallVec<[Span; 1]> = SmallVec::new();
    for span in spans {
        let (mut span, mut place) = (*span, parts.len());
        while let Some(at) = parts.iter().position(|part| part.joins(span)) {
            span = span.joined(parts.remove(at));
            place = place.min(at);
        }
        parts.insert(place, span);
    }
    parts
}

/// Digits alone; a number that no body reaches is as good as the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0_u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    }))
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((&text[..place], &text[place + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn spans(spans: &[(u64, u64)]) -> Ranged {
        let span = |(first, last): &(u64, u64)| Span {
            first: *first,
            last: *last,
        };
        match spans {
            [] => Ranged::Unsatisfiable,
            [one] => Ranged::One(span(one)),
            many => Ranged::Many(many.iter().map(span).collect()),
        }
    }

    #[track_caller]
    fn check(line: &str, length: u64, expected: &[(u64, u64)]) {
        let found = Wanted::parse(line.as_bytes()).map(|wanted| wanted.within(length));
        assert_eq!(found, Some(spans(expected)), "{line} of {length}");
    }

    #[track_caller]
    fn check_whole(line: &str, length: u64) {
        let found =
            Wanted::parse(line.as_bytes()).map_or(Ranged::Whole, |wanted| wanted.within(length));
        assert_eq!(found, Ranged::Whole, "{line} of {length}");
    }

    /// `count` ranges of `bytes` bytes, each a step of 1000 after the one before.
    fn set(count: u64, bytes: u64) -> String {
        let ranges = (0..count).map(|at| format!("{}-{}", at * 1000, at * 1000 + bytes - 1));
        format!("bytes={}", ranges.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn ranges_are_cut_to_the_body() {
        check("bytes=2-4", 10, &[(2, 4)]);
        check("bytes=0-0", 10, &[(0, 0)]);
        check("bytes=9-9", 10, &[(9, 9)]);
        check("bytes=2-", 10, &[(2, 9)]);
        check("bytes=0-", 10, &[(0, 9)]);
        check("bytes=8-20", 10, &[(8, 9)]);
        check("bytes=-3", 10, &[(7, 9)]);
        check("bytes=-10", 10, &[(0, 9)]);
        check("bytes=-2000", 10, &[(0, 9)]);
        check("bytes=007-0008", 10, &[(7, 8)]);
        check("ByTeS=1-2", 10, &[(1, 2)]);
    }

    #[test]
    fn numbers_beyond_all_bodies_are_the_largest() {
        check("bytes=1-99999999999999999999", 10, &[(1, 9)]);
        check("bytes=-99999999999999999999", 10, &[(0, 9)]);
        check("bytes=99999999999999999999-", 10, &[]);
        check(
            "bytes=18446744073709551614-",
            u64::MAX,
            &[(u64::MAX - 1, u64::MAX - 1)],
        );
        check("bytes=18446744073709551615-", u64::MAX, &[]);
        check("bytes=000000000000000000000000000001-1", 10, &[(1, 1)]);
    }

    #[test]
    fn what_lies_outside_cannot_be_satisfied() {
        check("bytes=10-", 10, &[]);
        check("bytes=10-11,-0", 10, &[]);
        check("bytes=-0", 10, &[]);
        for line in ["bytes=0-0", "bytes=0-", "bytes=-0"] {
            check(line, 0, &[]);
        }
        check("bytes=10-11,3-4", 10, &[(3, 4)]);
    }

    #[test]
    fn the_end_of_an_empty_body_is_all_of_it() {
        check_whole("bytes=-1", 0);
        check_whole("bytes=0-0,-5", 0);
    }

    #[test]
    fn blanks_and_empty_members_are_where_a_list_may_have_them() {
        check("bytes=0-1 ,\t4-5", 10, &[(0, 1), (4, 5)]);
        check("bytes=,,0-1,, ,4-5,", 10, &[(0, 1), (4, 5)]);
        check(" bytes=0-1 ", 10, &[(0, 1)]);
    }

    #[test]
    fn what_is_no_set_of_byte_ranges_is_passed_over() {
        for line in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "=0-1",
            "items=0-1",
            "bytes =0-1",
            "bytes:0-1",
            "bytes=0",
            "bytes=-",
            "bytes=--1",
            "bytes=4-2",
            "bytes=0-1,4-2",
            "bytes=0-1,x",
            "bytes=0-1;4-5",
            "bytes=0 -1",
            "bytes=0- 1",
            "bytes=- 1",
            "bytes=+1-2",
            "bytes=0x0-0x1",
            "bytes=a-b",
            "bytes=0-1-2",
            "bytes=0-1 4-5",
            "bytes=0-1,items=4-5",
        ] {
            assert_eq!(Wanted::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_second_line_makes_neither_count() {
        let mut request = HeaderMap::new();
        assert_eq!(Wanted::of(&request), None);
        request.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        assert!(Wanted::of(&request).is_some());
        request.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(Wanted::of(&request), None);
    }

    #[test]
    fn what_overlaps_or_touches_is_one_part_where_the_first_stood() {
        check("bytes=0-4,5-9", 100, &[(0, 9)]);
        check("bytes=5-9,0-4", 100, &[(0, 9)]);
        check("bytes=0-5,3-9", 100, &[(0, 9)]);
        check("bytes=0-9,3-4", 100, &[(0, 9)]);
        check("bytes=50-59,0-4,60-69", 100, &[(50, 69), (0, 4)]);
        check("bytes=90-,0-4,20-24,5-19", 100, &[(90, 99), (0, 24)]);
        check("bytes=0-3,5-9", 100, &[(0, 3), (5, 9)]);
        check("bytes=50-59,0-4", 100, &[(50, 59), (0, 4)]);
    }

    #[test]
    fn a_set_that_asks_for_too_much_work_gets_the_whole() {
        check("bytes=0-9,5-14", 1 << 20, &[(0, 14)]);
        check_whole("bytes=0-9,5-14,10-19", 1 << 20);
        check_whole("bytes=0-,0-,0-", 1 << 20);
        let parts = |count, bytes| match Wanted::parse(set(count, bytes).as_bytes()) {
            Some(wanted) => match wanted.within(1 << 20) {
                Ranged::Many(spans) => spans.len(),
                other => panic!("{other:?}"),
            },
            None => 0,
        };
        assert_eq!((parts(16, 80), parts(8, 79)), (16, 8));
        check_whole(&set(17, 80), 1 << 20);
        check_whole(&set(9, 79), 1 << 20);
        // Joined first, counted then.
        check(&set(32, 1000), 1 << 20, &[(0, 31_999)]);
        assert_eq!(Wanted::parse(set(33, 1000).as_bytes()), None);
        let empty = format!("bytes={}0-1", ",".repeat(31));
        check(&empty, 10, &[(0, 1)]);
        check_whole(&format!("bytes={}0-1", ",".repeat(32)), 10);
    }
}
