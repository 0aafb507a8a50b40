//! Where work goes that outlives the call that began it.
use cache::Spawn;

/// Spawns on the worker's own thread: nothing of a request leaves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Background;

impl<F: Future<Output = ()> + 'static> Spawn<F> for Background {
    fn spawn(&self, work: F) {
        tokio::task::spawn_local(work);
    }
}

/// Spawns on the runtime, on whichever thread it likes: for a stack that another server calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runtime;

impl<F: Future<Output = ()> + Send + 'static> Spawn<F> for Runtime {
    fn spawn(&self, work: F) {
        tokio::spawn(work);
    }
}
