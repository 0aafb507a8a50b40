//! Strict serde over the tree: nothing is converted. A failure is told with its place and left out, and reading goes on.
//!
//! serde gives seeds, which are used up when they fail; but `next_entry` and `next_element` name a *type*, and they can
//! be overridden: an entry that fails is read again without the part that was told, until it reads or has to be passed over itself.

mod fail;

use std::cell::RefCell;
use std::collections::btree_map;
use std::{iter, mem, slice};

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _};
use serde::de::{Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::path::{self, Step};
use super::problem::Report;
use super::tree::{Kind, Node};
use fail::Fail;

/// Reads a `T`, telling what fails; `None` where the tree itself had to be left out.
pub(crate) fn read<T: DeserializeOwned>(tree: &Node, report: &mut Report) -> Option<T> {
    let report = RefCell::new(report);
    let reader = Reader {
        node: tree,
        report: &report,
    };
    reader.recover()
}

/// One value as serde sees it.
#[derive(Clone, Copy)]
struct Reader<'de, 'r> {
    node: &'de Node,
    report: &'r RefCell<&'r mut Report>,
}

impl<'de> Reader<'de, '_> {
    /// Reads one value below the present path, and notes the deepest place at which it fails.
    fn within<T>(
        self,
        step: Step,
        read: impl FnOnce(Self) -> Result<T, Fail<'de>>,
    ) -> Result<T, Fail<'de>> {
        self.report.borrow_mut().path.push(step);
        let result = read(self).map_err(|mut fail| {
            if fail.at.is_none() {
                fail.at = Some((self.node, self.report.borrow().path.clone()));
            }
            fail
        });
        self.report.borrow_mut().path.pop();
        result
    }

    /// Reads a `T`; what fails in it is told and left out, and it is read again.
    fn recover<T: Deserialize<'de>>(self) -> Option<T> {
        loop {
            let fail = match T::deserialize(self) {
                Ok(value) => return Some(value),
                Err(fail) => fail,
            };
            let mut report = self.report.borrow_mut();
            let (node, path) = match fail.at {
                Some(at) => at,
                None => (self.node, report.path.clone()),
            };
            let outer = mem::replace(&mut report.path, path);
            // A key that was left out is missing, which is no news.
            let known = fail.missing && report.is_told(&path::write(&report.path));
            if !known {
                let message = if node.secret {
                    "is not valid".into()
                } else {
                    fail.message
                };
                if fail.missing {
                    report.add_doubtful(node.at, message);
                } else {
                    report.add(node.at, message);
                }
            }
            report.path = outer;
            let was_hole = node.hole.replace(true);
            if was_hole || std::ptr::eq(node, self.node) {
                return None;
            }
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Fail<'de>;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fail<'de>> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(b) => visitor.visit_bool(*b),
            Kind::Integer(n) => match (u64::try_from(*n), i64::try_from(*n)) {
                (Ok(n), _) => visitor.visit_u64(n),
                (_, Ok(n)) => visitor.visit_i64(n),
                _ => visitor.visit_i128(*n),
            },
            Kind::Float(n) => visitor.visit_f64(*n),
            Kind::Text(text) | Kind::Words(text) | Kind::Plain(text, _) => {
                visitor.visit_borrowed_str(text)
            }
            Kind::List(list) => visitor.visit_seq(Items {
                iter: list.iter().enumerate(),
                report: self.report,
            }),
            Kind::Table(table) => visitor.visit_map(Entries {
                iter: table.iter(),
                value: None,
                report: self.report,
            }),
            // As serde reads std's `Duration`.
            Kind::Duration(d) => {
                let parts = [d.as_secs(), u64::from(d.subsec_nanos())];
                visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fail<'de>> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fail<'de>> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fail<'de>> {
        match &self.node.kind {
            Kind::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Kind::Table(table) => visitor.visit_enum(MapAccessDeserializer::new(Entries {
                iter: table.iter(),
                value: None,
                report: self.report,
            })),
            _ => Err(Fail::custom(
                "expected one of its words, or a table with one key",
            )),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Entries<'de, 'r> {
    iter: btree_map::Iter<'de, String, Node>,
    value: Option<(&'de str, &'de Node)>,
    report: &'r RefCell<&'r mut Report>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Fail<'de>;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fail<'de>> {
        let Some((key, node)) = self.iter.find(|(_, node)| !node.is_hole()) else {
            return Ok(None);
        };
        self.value = Some((key, node));
        seed.deserialize(BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fail<'de>> {
        let value = self.value.take();
        let (key, node) = value.ok_or_else(|| Fail::custom("a value before its key"))?;
        let reader = Reader {
            node,
            report: self.report,
        };
        reader.within(Step::Key(key.to_owned()), |reader| seed.deserialize(reader))
    }

    fn next_entry<K: Deserialize<'de>, V: Deserialize<'de>>(
        &mut self,
    ) -> Result<Option<(K, V)>, Fail<'de>> {
        for (key, node) in self.iter.by_ref().filter(|(_, node)| !node.is_hole()) {
            let reader = Reader {
                node,
                report: self.report,
            };
            self.report.borrow_mut().path.push(Step::Key(key.clone()));
            let name = K::deserialize(BorrowedStrDeserializer::<Fail<'de>>::new(key));
            let value = match &name {
                Ok(_) => reader.recover::<V>(),
                Err(fail) => {
                    self.report.borrow_mut().add(node.key_at, &*fail.message);
                    node.hole.set(true);
                    None
                }
            };
            self.report.borrow_mut().path.pop();
            if let (Ok(name), Some(value)) = (name, value) {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }
}

struct Items<'de, 'r> {
    iter: iter::Enumerate<slice::Iter<'de, Node>>,
    report: &'r RefCell<&'r mut Report>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Fail<'de>;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fail<'de>> {
        let Some((index, node)) = self.iter.find(|(_, node)| !node.is_hole()) else {
            return Ok(None);
        };
        let reader = Reader {
            node,
            report: self.report,
        };
        let value = reader.within(Step::Index(index), |reader| seed.deserialize(reader));
        value.map(Some)
    }

    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Fail<'de>> {
        for (index, node) in self.iter.by_ref().filter(|(_, node)| !node.is_hole()) {
            let reader = Reader {
                node,
                report: self.report,
            };
            self.report.borrow_mut().path.push(Step::Index(index));
            let value = reader.recover::<T>();
            self.report.borrow_mut().path.pop();
            if value.is_some() {
                return Ok(value);
            }
        }
        Ok(None)
    }
}
