//! Which settings are in force, where did each come from, and what is wrong with them?
//!
//! The way of one load, a module a step:
//!
//! 1. [`layers`] lists what is read; [`source`] turns files into trees in which every value knows its place
//!    ([`tree`], [`origin`]), [`environment`] does so for variables.
//! 2. [`merge`] joins the layers by key; [`shape`] is the settings type's JSON Schema, compiled, and decides how names
//!    are spelt.
//! 3. [`walk`] checks the merged tree along the shape: names, types, ranges, units, references.
//! 4. [`reader`] deserialises what is sound, strictly, telling what fails and leaving it out.
//! 5. [`validate`] gives the findings of the type's own `Validate` their places.
//!
//! [`load`] tells the story; findings gather in a [`problem::Report`] and come out all at once.

mod environment;
mod hint;
mod in_force;
mod layers;
mod load;
mod loaded;
mod merge;
mod name;
mod origin;
mod path;
mod problem;
mod publish;
mod reader;
mod secret;
mod shape;
mod source;
mod tree;
mod unit;
mod validate;
mod walk;

pub use environment::{Environment, WellKnown};
pub use in_force::InForce;
pub use layers::Layers;
pub use load::{load, load_with};
pub use loaded::Loaded;
pub use name::Name;
pub use problem::{Problem, Problems};
pub use publish::published_schema;
pub use secret::Secret;
pub use unit::{bytes as parse_bytes, duration as parse_duration};
