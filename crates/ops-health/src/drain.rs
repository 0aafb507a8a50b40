//! How do connections learn that they should end, and who is still there?
//!
//! Whatever must end in good form (a connection, a stream, a tunnel) holds a [`DrainWatch`] as long as it lives. It waits for the signal beside
//! its work, finishes what it has begun, and lets go of the watch; [`Drain::drained`] waits until all have.

use tokio::sync::watch;

/// One signal to end, and the count of those who have not ended yet.
///
/// ```
/// use ops_health::Drain;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let drain = Drain::new();
/// let mut watch = drain.watch();
/// let connection = tokio::spawn(async move {
///     watch.signaled().await;
///     // Finishes the exchange under way; the watch goes with the task.
/// });
///
/// drain.begin();
/// drain.drained().await;
/// assert_eq!(drain.under_way(), 0);
/// # connection.await.unwrap();
/// # }
/// ```
#[derive(Debug)]
pub struct Drain(watch::Sender<bool>);

/// A part that is still there, see [`Drain`]. It counts until it is dropped; a clone counts too.
#[derive(Clone, Debug)]
pub struct DrainWatch(watch::Receiver<bool>);

impl Drain {
    /// No signal yet, and nobody there.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Counts one more part, which will hear the signal even when it has been given before.
    pub fn watch(&self) -> DrainWatch {
        DrainWatch(self.0.subscribe())
    }

    /// Gives the signal.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// How many parts are still there.
    pub fn under_way(&self) -> usize {
        self.0.receiver_count()
    }

    /// Waits until nobody is there any more. New ones may still come, as long as something hands out watches.
    pub async fn drained(&self) {
        self.0.closed().await;
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl DrainWatch {
    /// Waits for the signal; returns at once where it was given before. Where the [`Drain`] is gone, nobody waits for anything to
    /// end, but the end has come all the same.
    pub async fn signaled(&mut self) {
        let _ = self.0.wait_for(|begun| *begun).await;
    }

    /// Returns whether the signal was given.
    pub fn is_signaled(&self) -> bool {
        *self.0.borrow()
    }
}
