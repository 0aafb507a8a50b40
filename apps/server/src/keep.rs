//! Background work that nothing may end silently.
use std::time::Duration;

/// How long to wait before work that ended is begun again: long enough not to spin, short enough to be missed
/// by nobody.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs what `begin` makes, and begins it again whenever it ends, by a panic too; each end is logged.
pub async fn running<F>(name: &'static str, begin: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let ended = tokio::spawn(begin()).await;
        let reason = ended
            .err()
            .map_or_else(|| "it returned".to_owned(), |error| error.to_string());
        tracing::error!(name, reason, "background work ended; it is begun again");
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_is_begun_again() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        let work = running("test", move || {
            let count = counted.fetch_add(1, Relaxed);
            async move { assert!(count > 2, "on purpose") }
        });
        let _ = tokio::time::timeout(PAUSE * 5, work).await;
        assert!(begun.load(Relaxed) >= 4);
    }
}
