//! Why a body ended early.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a body that went through the cache ended early.
///
/// What the service's own body failed with is the [`source`](Error::source), as it came; a client that
/// reads a response together with others gets the same one as they.
#[derive(Clone, Debug)]
pub struct CacheBodyError(Cause);

#[derive(Clone, Debug)]
enum Cause {
    Failed(Arc<dyn Error + Send + Sync>),
    Abandoned,
}

impl CacheBodyError {
    pub(crate) fn failed(cause: impl Into<BoxError>) -> Self {
        Self(Cause::Failed(Arc::from(cause.into())))
    }

    /// The work that read the service's body was dropped before its end.
    pub(crate) fn abandoned() -> Self {
        Self(Cause::Abandoned)
    }

    /// Whether it was not the service's body that failed: the work that read it was dropped, because it
    /// panicked or because its executor stopped.
    pub fn is_abandoned(&self) -> bool {
        matches!(self.0, Cause::Abandoned)
    }
}

impl fmt::Display for CacheBodyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Cause::Failed(_) => "the response's body failed",
            Cause::Abandoned => "the fetch of the response was abandoned",
        })
    }
}

impl Error for CacheBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Cause::Failed(cause) => Some(&**cause),
            Cause::Abandoned => None,
        }
    }
}
