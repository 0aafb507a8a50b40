//! The word that every call reads: the state, below, and above it the number of the time between two changes.

use super::permit::Pass;
use super::state::BreakerState;
use super::transition::Ticket;

const STATES: [BreakerState; 8] = [
    BreakerState::Closed,
    BreakerState::ForcedClosed,
    BreakerState::Open,
    BreakerState::HalfOpen,
    BreakerState::ForcedOpen,
    // Never written; eight make the look-up one without a bound to check.
    BreakerState::ForcedOpen,
    BreakerState::ForcedOpen,
    BreakerState::ForcedOpen,
];

#[inline]
pub(super) fn state_of(gate: u64) -> BreakerState {
    STATES[(gate & 7) as usize]
}

/// Whether every call passes: the same as of the state, without looking it up.
#[inline]
pub(super) fn passes_all(gate: u64) -> bool {
    gate & 7 <= 1
}

pub(super) fn period_of(gate: u64) -> u64 {
    gate >> 3
}

pub(super) fn ticket_of(pass: Pass) -> Ticket {
    Ticket {
        period: period_of(pass.gate),
        batch: pass.batch,
    }
}

pub(super) fn gate_of(period: u64, state: BreakerState) -> u64 {
    let code = match state {
        BreakerState::Closed => 0,
        BreakerState::ForcedClosed => 1,
        BreakerState::Open => 2,
        BreakerState::HalfOpen => 3,
        BreakerState::ForcedOpen => 4,
    };
    period << 3 | code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_the_word() {
        for state in &STATES[..5] {
            let gate = gate_of(7, *state);
            assert_eq!((state_of(gate), period_of(gate)), (*state, 7));
            assert_eq!(passes_all(gate), state.passes_all());
        }
    }
}
