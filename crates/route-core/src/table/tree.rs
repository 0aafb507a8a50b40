//! Templates of all tiers, by what they have in common.
//!
//! A node stands for a tier and the segments walked so far, so that each node is met at most once in
//! a look-up: going back costs no more than the tree has nodes, and no more than two to the power of
//! the path's segments. Segments between which nothing branches are one node. Names of parameters are
//! not part of the tree: templates that differ only in these share a leaf.

use smallvec::SmallVec;

use crate::matched::Captures;

use super::index::Index;
use super::node::{NONE, Node, Texts};
use super::words::Hashing;

/// The finished tree. The first nodes are the tiers' roots.
pub(super) struct Tree {
    pub(super) nodes: Box<[Node]>,
    /// From a node and the first segment of a child to that child, where there are several.
    pub(super) children: Index,
    pub(super) hashing: Hashing,
}

impl Tree {
    /// Shows `each` the leaves that `path` reaches in `tier`, the first in precedence first, until it
    /// returns something. What the parameters stand for then is in `captures`, which come empty.
    #[expect(
        clippy::inline_always,
        reason = "a look-up is a loop without a call, in a fifth fewer instructions"
    )]
    #[inline(always)]
    pub(super) fn visit<T>(
        &self,
        tier: u32,
        path: &str,
        captures: &mut Captures,
        mut each: impl FnMut(u32) -> Option<T>,
    ) -> Option<T> {
        let path = path.as_bytes();
        let mut forks: SmallVec<[Fork; FORKS]> = SmallVec::new();
        let (mut at, mut walked) = (tier, 0);
        loop {
            let mut leaf = NONE;
            if let Some(end) = self.arrive(&mut at, path, walked, captures) {
                let node = &self.nodes[at as usize];
                if end == path.len() {
                    leaf = node.leaf;
                } else {
                    walked = end;
                    let others = (node.texts, node.parameter, node.catch_all);
                    if let (Texts::None, parameter, NONE) = others {
                        // No other way on, or none at all.
                        if parameter != NONE {
                            at = parameter;
                            continue;
                        }
                    } else {
                        if node.parameter != NONE || node.catch_all != NONE {
                            forks.push(Fork {
                                node: at,
                                walked,
                                noted: captures.len(),
                                is_parameter_left: node.parameter != NONE,
                            });
                        }
                        if let Some(child) = self.child(at, node, path, walked) {
                            at = child;
                            continue;
                        }
                    }
                }
            }
            // Nothing goes on here: what is met next stands at the last fork.
            loop {
                if leaf != NONE
                    && let Some(result) = each(leaf)
                {
                    return Some(result);
                }
                let fork = forks.last_mut()?;
                captures.truncate(fork.noted);
                let node = &self.nodes[fork.node as usize];
                walked = fork.walked;
                if std::mem::take(&mut fork.is_parameter_left) {
                    at = node.parameter;
                    if node.catch_all == NONE {
                        forks.pop();
                    }
                    break;
                }
                forks.pop();
                leaf = node.catch_all;
                captures.push(walked + 1, path.len());
            }
        }
    }

    /// Follows the label of node `at` from where the first `walked` bytes of `path` led, and returns how
    /// far that is. `at` then is the node where it ends.
    #[expect(clippy::inline_always, reason = "as above, of which it is a part")]
    #[inline(always)]
    fn arrive(
        &self,
        at: &mut u32,
        path: &[u8],
        walked: usize,
        captures: &mut Captures,
    ) -> Option<usize> {
        let mut end = walked;
        loop {
            let node = &self.nodes[*at as usize];
            end = node.label.follow(path, end, captures)?;
            if node.texts != Texts::Label {
                return (end == path.len() || path[end] == b'/').then_some(end);
            }
            *at = node.text;
        }
    }

    /// The one child of `node`, whose number is `at`, that may go on with the text behind `walked`.
    #[expect(clippy::inline_always, reason = "as above, of which it is a part")]
    #[inline(always)]
    fn child(&self, at: u32, node: &Node, path: &[u8], walked: usize) -> Option<u32> {
        match node.texts {
            Texts::None | Texts::Label => None,
            Texts::One => Some(node.text),
            Texts::Many => self
                .children
                .find(self.hashing.segment(at, path, walked + 1), |child| {
                    self.nodes[child as usize].parent == at
                }),
        }
    }
}

/// As many places to come back to as are kept without an allocation.
const FORKS: usize = 16;

/// A node at which a look-up went on with a text, and where it may have to come back to.
struct Fork {
    node: u32,
    /// As many bytes of the path led there.
    walked: usize,
    /// As many values were noted by then.
    noted: usize,
    /// The parameter has not been tried, which comes before the catch-all.
    is_parameter_left: bool,
}
