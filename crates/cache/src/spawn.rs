//! Who runs what goes on when no request waits for it?

/// Runs a piece of background work to its end.
///
/// An executor says itself what it asks of the work: one of a single-threaded runtime nothing but
/// `'static`, one of a pool of threads `Send` too. Work that is dropped before its end ends its readers
/// with an error, so an executor drops it only when it stops altogether.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run the cache's fills",
    note = "name an executor with `CacheLayer::executor`"
)]
pub trait Spawn<F> {
    /// Begins the work.
    fn spawn(&self, work: F);
}

/// The tokio runtime on whose thread a request is served.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSpawn;

#[cfg(feature = "tokio")]
impl<F> Spawn<F> for TokioSpawn
where
    F: Future<Output = ()> + Send + 'static,
{
    fn spawn(&self, work: F) {
        drop(tokio::spawn(work));
    }
}
