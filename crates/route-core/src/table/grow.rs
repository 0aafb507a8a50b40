//! From shapes in their order to a tree.

use std::ops::Range;

use smallvec::SmallVec;

use super::index::Index;
use super::node::{NONE, Node, Texts};
use super::shapes::{CATCH_ALL, PARAMETER, SLASH, Shapes, count};
use super::tree::Tree;
use super::words::Hashing;

/// Grows a tree with as many `tiers` from `shapes` that are in order. `leaf` makes the number of a leaf
/// from the places that its shapes have in the order.
pub(super) fn grow(tiers: usize, shapes: &Shapes, leaf: impl FnMut(Range<usize>) -> u32) -> Tree {
    let mut nodes = Vec::with_capacity(tiers + shapes.len() * 3 / 2);
    nodes.resize(tiers, Node::new(NONE));
    let mut growth = Growth {
        shapes,
        leaf,
        nodes,
        segments: Vec::new(),
    };
    for tier in 0..count(tiers) {
        let places = shapes.tier(tier);
        if !places.is_empty() {
            growth.fill(tier, places, 0);
        }
    }
    let Growth {
        nodes, segments, ..
    } = growth;
    // A table in which two children of one node would be mixed up is one in four thousand million.
    loop {
        let hashing = Hashing::new();
        let hashes = segments.iter().map(|segment| {
            let text = first_segment(shapes.shape(segment.place), segment.at);
            let parent = nodes[segment.child as usize].parent;
            (hashing.segment(parent, text, 0), segment.child)
        });
        let are_siblings =
            |one: u32, other: u32| nodes[one as usize].parent == nodes[other as usize].parent;
        if let Some(children) = Index::new(&hashes.collect::<Vec<_>>(), are_siblings) {
            return Tree {
                children,
                nodes: nodes.into(),
                hashing,
            };
        }
    }
}

struct Growth<'a, F> {
    shapes: &'a Shapes,
    leaf: F,
    nodes: Vec<Node>,
    segments: Vec<Segment>,
}

/// The first segment of a child that has to be told from others: at which place in the order a shape
/// has it, and where in that.
struct Segment {
    child: u32,
    place: usize,
    at: usize,
}

impl<F: FnMut(Range<usize>) -> u32> Growth<'_, F> {
    /// Makes node `at` and all below it of the shapes at `places`, which are the same before `from` and
    /// in the segment behind it.
    fn fill(&mut self, at: u32, places: Range<usize>, from: usize) {
        let end = self.common_end(&places);
        let at = self.label(at, &self.shapes.shape(places.start)[from..end]);
        let mut rest = places;
        let ending = self.while_alike(&rest, |shape| shape.len() == end);
        if !ending.is_empty() {
            rest.start = ending.end;
            self.nodes[at as usize].leaf = (self.leaf)(ending);
        }

        let mut texts: SmallVec<[Range<usize>; 4]> = SmallVec::new();
        while !rest.is_empty() {
            let first = first_segment(self.shapes.shape(rest.start), end);
            let alike = self.while_alike(&rest, |shape| first_segment(shape, end) == first);
            rest.start = alike.end;
            match first {
                [CATCH_ALL] => self.nodes[at as usize].catch_all = (self.leaf)(alike),
                [PARAMETER] => {
                    let child = self.child(at);
                    self.nodes[at as usize].parameter = child;
                    self.fill(child, alike, end);
                }
                _ => texts.push(alike),
            }
        }
        if let [only] = &*texts {
            let child = self.child(at);
            let node = &mut self.nodes[at as usize];
            (node.texts, node.text) = (Texts::One, child);
            self.fill(child, only.clone(), end);
        } else if !texts.is_empty() {
            let node = &mut self.nodes[at as usize];
            (node.texts, node.text) = (Texts::Many, at);
            for alike in texts {
                let child = self.child(at);
                self.segments.push(Segment {
                    child,
                    place: alike.start,
                    at: end,
                });
                self.fill(child, alike, end);
            }
        }
    }

    /// How far all shapes at `places` are the same, up to the end of a segment, or of all before their
    /// catch-all.
    fn common_end(&self, places: &Range<usize>) -> usize {
        // In order, so that those between the two have in common what these have.
        let first = self.shapes.shape(places.start);
        let last = self.shapes.shape(places.end - 1);
        let differs = first.iter().zip(last).position(|(one, other)| one != other);
        let common = differs.unwrap_or(first.len().min(last.len()));
        if common == first.len() {
            match last.get(common) {
                None if first.ends_with(&[SLASH, CATCH_ALL]) => return common - 2,
                None | Some(&SLASH) => return common,
                Some(_) => {}
            }
        }
        let slash = first[..common].iter().rposition(|&byte| byte == SLASH);
        slash.unwrap_or(0)
    }

    /// The part of `places`, from their first one on, whose shapes are as `is_alike` says.
    fn while_alike(&self, places: &Range<usize>, is_alike: impl Fn(&[u8]) -> bool) -> Range<usize> {
        let alike = places
            .clone()
            .take_while(|&place| is_alike(self.shapes.shape(place)));
        places.start..places.start + alike.count()
    }

    /// Gives `shape` to node `at` for its label, and what does not fit to nodes behind it. Returns the
    /// last of them.
    fn label(&mut self, mut at: u32, shape: &[u8]) -> u32 {
        let mut pieces = shape.split(|&byte| byte == PARAMETER).peekable();
        while let Some(piece) = pieces.next() {
            let parameter = pieces.peek().is_some();
            let text: SmallVec<[u8; 64]> = piece
                .iter()
                .map(|&byte| if byte == SLASH { b'/' } else { byte })
                .collect();
            let mut left = &*text;
            let mut is_done = left.is_empty() && !parameter;
            while !is_done {
                match self.nodes[at as usize].label.push(left, parameter) {
                    Some(taken) if taken == left.len() => is_done = true,
                    taken => {
                        left = &left[taken.unwrap_or(0)..];
                        let more = self.child(at);
                        let node = &mut self.nodes[at as usize];
                        (node.texts, node.text) = (Texts::Label, more);
                        at = more;
                    }
                }
            }
        }
        at
    }

    fn child(&mut self, parent: u32) -> u32 {
        let child = count(self.nodes.len());
        self.nodes.push(Node::new(parent));
        child
    }
}

/// The segment of `shape` behind the slash at `at`.
fn first_segment(shape: &[u8], at: usize) -> &[u8] {
    let behind = shape.get(at + 1..).unwrap_or_default();
    behind
        .split(|&byte| byte == SLASH)
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matched::Captures;

    fn tree(paths: &[String]) -> (Tree, Vec<Vec<u32>>) {
        let mut shapes = Shapes::with_capacity(paths.len());
        for (route, path) in (0..).zip(paths) {
            shapes.push(1, &path.parse().unwrap(), route);
        }
        shapes.sort();
        let routes: Vec<u32> = shapes.routes().collect();
        let mut leaves = Vec::new();
        let tree = grow(2, &shapes, |places| {
            leaves.push(routes[places].to_vec());
            count(leaves.len() - 1)
        });
        (tree, leaves)
    }

    fn visited((tree, leaves): &(Tree, Vec<Vec<u32>>), tier: u32, path: &str) -> Vec<Vec<u32>> {
        let mut visited = Vec::new();
        tree.visit(tier, path, &mut Captures::default(), |leaf| {
            visited.push(leaves[leaf as usize].clone());
            None::<()>
        });
        visited
    }

    #[test]
    fn leaves_are_visited_in_order_and_each_once() {
        let paths = [
            "/{*r}", "/a/{x}", "/a/b", "/{x}/b", "/a/{*r}", "/a/{y}", "/{x}/{y}",
        ];
        let tree = tree(&paths.map(str::to_owned));
        assert_eq!(
            visited(&tree, 1, "/a/b"),
            [vec![2], vec![1, 5], vec![4], vec![3], vec![6], vec![0]]
        );
        assert!(visited(&tree, 0, "/a/b").is_empty());
    }

    #[test]
    fn a_path_that_matches_everything_meets_each_leaf_once() {
        let paths: Vec<String> = (0..1 << 10)
            .map(|bits: u32| {
                let segments = (0..10).map(|n| match (bits >> n) & 1 {
                    0 => "/a".to_owned(),
                    _ => format!("/{{p{n}}}"),
                });
                segments.collect()
            })
            .collect();
        let mut visited = visited(&tree(&paths), 1, &"/a".repeat(10));
        assert_eq!(visited.len(), 1 << 10);
        visited.sort_unstable();
        visited.dedup();
        assert_eq!(visited.len(), 1 << 10);
    }

    #[test]
    fn what_nothing_branches_between_is_one_node() {
        let paths = ["/api/v1/users/{id}", "/api/v1/users/{id}/keys", "/api/v1/a"];
        let (tree, _) = tree(&paths.map(str::to_owned));
        // Two roots, two children of `/api/v1`, and the last segment of one path.
        assert_eq!(tree.nodes.len(), 5);
    }

    #[test]
    fn labels_without_room_go_on_in_another_node() {
        let long = format!("/{}", "a".repeat(100));
        let paths = [
            format!("{long}b/{{x}}/{long}"),
            format!("{long}c/{{x}}"),
            format!("{long}c/{{x}}/"),
            format!("{long}c/{{x}}{long}/{{y}}/{{z}}/{{*r}}"),
            long.clone(),
        ];
        let paths = paths.map(|path| path.replace("//", "/"));
        let tree = tree(&paths);
        for (route, path) in (0..).zip(&paths) {
            let path = path.replace("{*r}", "r/s").replace(['{', '}'], "");
            assert_eq!(visited(&tree, 1, &path), [vec![route]], "{path}");
            assert!(visited(&tree, 1, &format!("{path}a")).len() <= 1);
            let shorter = &path[..path.len() - 1];
            assert!(visited(&tree, 1, shorter).iter().all(|leaf| *leaf != [4]));
        }
    }
}
