//! The route manager as a library: reads the configuration, builds the parts, joins them, listens, drains.
//!
//! A newcomer reads in this order: [`stack`] lists the layers in the order in which a request meets them;
//! [`adapters`] answers what they ask, from a request's one extension ([`trip`]); [`plan`] and [`parts`]
//! make what a layer finds there from the [`settings`]; [`server`] starts and stops it all; [`listen`] is
//! how connections arrive. What the binary takes is in [`cli`].
//!
//! A program that wants the whole stack around its own handlers uses [`embed`].

pub mod access_log;
pub mod adapters;
pub mod admin;
pub mod builtin;
pub mod cli;
pub mod clock;
pub mod compress;
pub mod config;
pub mod demo;
pub mod edits;
pub mod embed;
pub mod entry;
pub mod fault;
pub mod flag_gate;
pub mod guard;
pub mod ids;
pub mod keep;
pub mod limits;
pub mod listen;
pub mod logging;
pub mod metrics;
pub mod parts;
pub mod plan;
pub mod problem;
pub mod seam;
pub mod server;
pub mod settings;
pub mod snapshot;
pub mod spawn;
pub mod stack;
pub mod target;
pub mod trip;
pub mod ways;
pub mod whole;
pub mod with_parameters;
pub mod worker;
