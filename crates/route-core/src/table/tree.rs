//! Templates of all tiers by segment.
//!
//! A node stands for a tier and the segments walked so far, so that each node is met at most once in
//! a look-up: going back costs no more than the tree has nodes, and no more than two to the power of
//! the path's segments. Names of parameters are not part of it: templates that differ only in these
//! share a leaf. Templates without any parameter stand in one hash map of whole paths.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::matched::Captures;
use crate::template::{self, Template};

use super::index::Index;
use super::segment::{Hashing, Segment};

/// No node, no leaf.
const NONE: u32 = u32::MAX;

/// The finished tree. The first nodes are the tiers' roots.
pub(super) struct Tree {
    nodes: Box<[Node]>,
    /// From a node and a segment's text to a node.
    children: Index,
    /// From a tier and a whole path to a leaf.
    statics: Index,
    /// The places that `statics` leads to, by leaf; empty for leaves of the tree.
    static_paths: Box<[(u32, Text)]>,
    texts: Box<[u8]>,
    hashing: Hashing,
}

/// A node in 32 bytes, so that two share a cache line, with all that mostly is compared.
#[derive(Clone, Copy)]
struct Node {
    /// As in [`Segment::first`].
    first: u64,
    /// Where the rest of its text begins.
    rest: u32,
    /// How many bytes its whole text has.
    len: u16,
    /// Whether it has children with a text.
    has_texts: bool,
    parent: u32,
    parameter: u32,
    leaf: u32,
    catch_all: u32,
}

/// A piece of [`Tree::texts`].
#[derive(Clone, Copy, Default)]
struct Text {
    start: u32,
    len: u32,
}

impl Tree {
    /// Shows `each` the leaves that `path` reaches in `tier`, the first in precedence first, until it
    /// returns something.
    pub(super) fn visit<T>(
        &self,
        tier: u32,
        path: &str,
        mut each: impl FnMut(u32, &mut Captures) -> Option<T>,
    ) -> Option<T> {
        // Text comes before all else in each segment, so a path of text only comes first.
        let path = path.as_bytes();
        let hash = self.hashing.text(tier, path);
        let is_path = |leaf: u32| {
            let (of, text) = self.static_paths[leaf as usize];
            of == tier && self.text(text) == path
        };
        let mut captures = Captures::default();
        if let Some(leaf) = self.statics.find(hash, is_path)
            && let Some(result) = each(leaf, &mut captures)
        {
            return Some(result);
        }
        let mut walk = Walk {
            tree: self,
            path,
            captures,
            each,
        };
        walk.node(tier, 0)
    }

    #[inline]
    fn child(&self, parent: u32, segment: Segment<'_>) -> Option<u32> {
        let hash = self.hashing.segment(parent, segment);
        self.children.find(hash, |child| {
            let node = &self.nodes[child as usize];
            node.first == segment.first
                && node.parent == parent
                && usize::from(node.len) == segment.len()
                && self.is_rest(node, segment.rest())
        })
    }

    #[inline]
    fn is_rest(&self, node: &Node, rest: &[u8]) -> bool {
        let start = node.rest as usize;
        rest.is_empty() || self.texts.get(start..start + rest.len()) == Some(rest)
    }

    fn text(&self, text: Text) -> &[u8] {
        let start = text.start as usize;
        &self.texts[start..start + text.len as usize]
    }
}

/// One look-up under way.
struct Walk<'a, F> {
    tree: &'a Tree,
    path: &'a [u8],
    captures: Captures,
    each: F,
}

impl<T, F: FnMut(u32, &mut Captures) -> Option<T>> Walk<'_, F> {
    /// Goes on from node `at`, to which the first `walked` bytes of the path led. Only where a node has
    /// more than one way on does it call itself, so at most as deep as a template has segments. Values
    /// that were noted on a way that led nowhere are taken back at the fork.
    fn node(&mut self, mut at: u32, mut walked: usize) -> Option<T> {
        loop {
            let node = &self.tree.nodes[at as usize];
            if walked == self.path.len() {
                return self.leaf(node.leaf);
            }
            // Segments begin behind a slash and end before one or at the end: one stands at `walked`.
            let start = walked + 1;
            let segment = Segment::before_slash(&self.path[start..]);
            let end = start + segment.len();
            let child = if node.has_texts {
                self.tree.child(at, segment)
            } else {
                None
            };
            let parameter = (node.parameter != NONE && start < end).then_some(node.parameter);
            let noted = self.captures.len();
            if let Some(child) = child {
                if parameter.is_none() && node.catch_all == NONE {
                    (at, walked) = (child, end);
                    continue;
                }
                let result = self.node(child, end);
                if result.is_some() {
                    return result;
                }
                self.captures.truncate(noted);
            }
            if let Some(parameter) = parameter {
                self.captures.push(start, end);
                if node.catch_all == NONE {
                    (at, walked) = (parameter, end);
                    continue;
                }
                let result = self.node(parameter, end);
                if result.is_some() {
                    return result;
                }
                self.captures.truncate(noted);
            }
            if node.catch_all == NONE {
                return None;
            }
            self.captures.push(start, self.path.len());
            return self.leaf(node.catch_all);
        }
    }

    #[inline]
    fn leaf(&mut self, leaf: u32) -> Option<T> {
        if leaf == NONE {
            return None;
        }
        (self.each)(leaf, &mut self.captures)
    }
}

/// A tree that still grows. Numbers of leaves are given in order, from 0.
pub(super) struct TreeBuilder {
    nodes: Vec<Node>,
    children: HashMap<(u32, Box<str>), u32, RandomState>,
    statics: HashMap<(u32, Box<str>), u32, RandomState>,
    static_paths: Vec<(u32, Text)>,
    texts: String,
}

impl TreeBuilder {
    pub(super) fn new(tiers: usize) -> Self {
        Self {
            nodes: vec![Node::new(NONE); tiers],
            children: HashMap::default(),
            statics: HashMap::default(),
            static_paths: Vec::new(),
            texts: String::new(),
        }
    }

    /// The leaf of `template` in `tier`, which may be there already.
    pub(super) fn leaf(&mut self, tier: u32, template: &Template) -> u32 {
        if template.is_static() {
            return self.static_leaf(tier, template.as_str());
        }
        let mut at = tier;
        for segment in template.segments() {
            at = match segment {
                template::Segment::Static(text) => self.child(at, text),
                template::Segment::Parameter(_) => self.parameter(at),
                template::Segment::CatchAll(_) => {
                    let next = count(self.static_paths.len());
                    let leaf = &mut self.nodes[at as usize].catch_all;
                    if *leaf == NONE {
                        *leaf = next;
                        self.static_paths.push((NONE, Text::default()));
                    }
                    return *leaf;
                }
            };
        }
        let next = count(self.static_paths.len());
        let leaf = &mut self.nodes[at as usize].leaf;
        if *leaf == NONE {
            *leaf = next;
            self.static_paths.push((NONE, Text::default()));
        }
        *leaf
    }

    fn static_leaf(&mut self, tier: u32, path: &str) -> u32 {
        if let Some(leaf) = self.statics.get(&(tier, path.into())) {
            return *leaf;
        }
        let leaf = count(self.static_paths.len());
        let text = self.keep(path);
        self.static_paths.push((tier, text));
        self.statics.insert((tier, path.into()), leaf);
        leaf
    }

    fn child(&mut self, parent: u32, text: &str) -> u32 {
        if let Some(child) = self.children.get(&(parent, text.into())) {
            return *child;
        }
        let child = count(self.nodes.len());
        let segment = Segment::before_slash(text.as_bytes());
        let rest = self.keep(
            text.get(text.len() - segment.rest().len()..)
                .unwrap_or_default(),
        );
        self.nodes.push(Node {
            first: segment.first,
            rest: rest.start,
            // A template has no more bytes.
            len: u16::try_from(text.len()).unwrap_or(u16::MAX),
            ..Node::new(parent)
        });
        self.nodes[parent as usize].has_texts = true;
        self.children.insert((parent, text.into()), child);
        child
    }

    fn parameter(&mut self, parent: u32) -> u32 {
        let next = count(self.nodes.len());
        let child = &mut self.nodes[parent as usize].parameter;
        if *child == NONE {
            *child = next;
            self.nodes.push(Node::new(parent));
            return next;
        }
        *child
    }

    fn keep(&mut self, text: &str) -> Text {
        let start = count(self.texts.len());
        self.texts.push_str(text);
        Text {
            start,
            len: count(text.len()),
        }
    }

    pub(super) fn finish(self) -> Tree {
        let hashing = Hashing::new();
        let children = self.children.iter().map(|((parent, text), child)| {
            let segment = Segment::before_slash(text.as_bytes());
            (hashing.segment(*parent, segment), *child)
        });
        let statics = self.statics.iter();
        let statics =
            statics.map(|((tier, path), leaf)| (hashing.text(*tier, path.as_bytes()), *leaf));
        Tree {
            children: Index::new(&children.collect::<Vec<_>>()),
            statics: Index::new(&statics.collect::<Vec<_>>()),
            nodes: self.nodes.into(),
            static_paths: self.static_paths.into(),
            texts: self.texts.into_bytes().into(),
            hashing,
        }
    }
}

impl Node {
    fn new(parent: u32) -> Self {
        Self {
            first: 0,
            rest: 0,
            len: 0,
            has_texts: false,
            parent,
            parameter: NONE,
            leaf: NONE,
            catch_all: NONE,
        }
    }
}

/// Sizes of a table: four thousand million segments do not fit into memory.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[String]) -> Tree {
        let mut tree = TreeBuilder::new(2);
        for path in paths {
            tree.leaf(1, &path.parse().unwrap());
        }
        tree.finish()
    }

    fn visited(tree: &Tree, tier: u32, path: &str) -> Vec<u32> {
        let mut visited = Vec::new();
        tree.visit(tier, path, |leaf, _| {
            visited.push(leaf);
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
        // The sixth shares the second one's leaf.
        assert_eq!(visited(&tree, 1, "/a/b"), [2, 1, 4, 3, 5, 0]);
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
}
