//! Templates in the order in which a tree grows from them.
//!
//! A shape is a template without its parameters' names. Sorted, those that begin alike stand together,
//! and those that are one shape are one leaf's: growing needs no look-ups, and nodes that are met one
//! after the other are neighbours.

use std::ops::Range;

use crate::template::{Follows, Template};

// No normal path has these bytes. They sort before all text, the end of a segment first, so that a
// segment's shapes are not torn apart by those of a longer one.
pub(super) const SLASH: u8 = 1;
pub(super) const PARAMETER: u8 = 2;
pub(super) const CATCH_ALL: u8 = 3;

/// The shapes of all routes.
pub(super) struct Shapes {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// One route's template in one tier.
#[derive(Clone, Copy)]
struct Line {
    /// The first bytes behind the slash, which decide most comparisons.
    front: u64,
    start: u32,
    end: u32,
    tier: u32,
    route: u32,
}

impl Shapes {
    pub(super) fn with_capacity(routes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(routes * 32),
            lines: Vec::with_capacity(routes),
        }
    }

    pub(super) fn push(&mut self, tier: u32, template: &Template, route: u32) {
        let start = self.bytes.len();
        for (text, follows) in template.pieces() {
            let marked = text
                .bytes()
                .map(|byte| if byte == b'/' { SLASH } else { byte });
            self.bytes.extend(marked);
            match follows {
                Follows::Parameter => self.bytes.push(PARAMETER),
                Follows::CatchAll => self.bytes.push(CATCH_ALL),
                Follows::Nothing => {}
            }
        }
        let mut front = [0; 8];
        for (front, byte) in front.iter_mut().zip(&self.bytes[start + 1..]) {
            *front = *byte;
        }
        self.lines.push(Line {
            front: u64::from_be_bytes(front),
            start: count(start),
            end: count(self.bytes.len()),
            tier,
            route,
        });
    }

    /// Puts them in order: by tier, shape, and as they came.
    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        self.lines.sort_unstable_by(|one, other| {
            let known = (one.tier, one.front).cmp(&(other.tier, other.front));
            known
                .then_with(|| one.of(bytes).cmp(other.of(bytes)))
                .then(one.route.cmp(&other.route))
        });
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The shape at a place in the order.
    pub(super) fn shape(&self, at: usize) -> &[u8] {
        self.lines[at].of(&self.bytes)
    }

    /// The routes in their order.
    pub(super) fn routes(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().map(|line| line.route)
    }

    /// The part of the order that is of `tier`.
    pub(super) fn tier(&self, tier: u32) -> Range<usize> {
        let start = self.lines.partition_point(|line| line.tier < tier);
        let end = self.lines.partition_point(|line| line.tier <= tier);
        start..end
    }

    /// The tier of a place in the order.
    pub(super) fn tier_at(&self, at: usize) -> usize {
        self.lines[at].tier as usize
    }
}

impl Line {
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// Sizes of a table: four thousand million bytes of templates do not fit into memory.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_alike_stands_together() {
        let paths = [
            "/a-b", "/{x}", "/a/{y}", "/a", "/{*r}", "/", "/a/{x}", "/a/",
        ];
        let mut shapes = Shapes::with_capacity(paths.len());
        for (route, path) in (0..).zip(paths) {
            shapes.push(1, &path.parse().unwrap(), route);
        }
        shapes.push(0, &"/z".parse().unwrap(), 8);
        shapes.sort();
        let order: Vec<_> = shapes.routes().collect();
        assert_eq!(order, [8, 5, 1, 4, 3, 7, 2, 6, 0]);
        assert_eq!(shapes.shape(6), shapes.shape(7));
        assert_eq!(shapes.tier(0), 0..1);
        assert_eq!(shapes.tier(1), 1..9);
        assert_eq!(shapes.tier(2), 9..9);
    }
}
