//! The contracts, against the crate's own implementations and against what breaks them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ops_health::testing::{Behavior, DoubleCheck, check_contract, hook_contract};
use ops_health::{HookError, HookTime, MemoryCheck, Priority, ShutdownHook, Status};

async fn breaks(check: DoubleCheck) -> bool {
    let contract = async move { check_contract(&check).await };
    tokio::spawn(contract).await.is_err()
}

#[tokio::test]
async fn checks_keep_their_contract() {
    check_contract(&MemoryCheck::new()).await;
    check_contract(&DoubleCheck::new(
        "sound",
        Behavior::Tells(Status::Degraded),
    ))
    .await;
}

#[tokio::test]
async fn a_check_that_breaks_its_contract_is_found() {
    let sound = || DoubleCheck::new("check", Behavior::Tells(Status::Healthy));
    assert!(!breaks(sound()).await);
    assert!(
        breaks(DoubleCheck {
            name: String::new(),
            ..sound()
        })
        .await
    );
    assert!(
        breaks(DoubleCheck {
            behavior: Behavior::Panics,
            ..sound()
        })
        .await
    );
    // Shared, and yet it would take readiness away.
    assert!(
        breaks(DoubleCheck {
            gates_readiness: true,
            ..sound()
        })
        .await
    );
}

#[derive(Debug)]
struct Flush {
    hangs: bool,
}

#[async_trait]
impl ShutdownHook for Flush {
    fn name(&self) -> &'static str {
        "flush"
    }

    fn priority(&self) -> Priority {
        Priority::FLUSH
    }

    async fn execute(&self, _: HookTime) -> Result<(), HookError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_breaks_its_contract() {
    let limit = Duration::from_secs(1);
    assert!(hook_contract(&Flush { hangs: false }, limit).await.is_ok());
    let hangs = Arc::new(Flush { hangs: true });
    let contract = AssertUnwindSafe(async move { hook_contract(&*hangs, limit).await });
    assert!(tokio::spawn(contract.0).await.is_err());
}
