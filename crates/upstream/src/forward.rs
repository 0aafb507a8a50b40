//! What the heads of requests and answers look like on their way through.

pub(crate) mod deadline;
pub(crate) mod fields;
pub(crate) mod forwarded;
pub(crate) mod grpc;
pub(crate) mod hop_by_hop;
pub(crate) mod kind;
pub(crate) mod names;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod via;
