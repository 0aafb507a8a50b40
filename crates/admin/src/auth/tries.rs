//! How many wrong tokens may come from one address?
//!
//! Each costs six seconds of a minute's patience; when that is used up nothing from the address is looked at until some
//! is back. An IPv6 network of 64 bits is one address. The addresses that are known have a bound; beyond it all others
//! share one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const PATIENCE: Duration = Duration::from_mins(1);
const COST: Duration = Duration::from_secs(6);
/// At most this many addresses are told apart.
const ADDRESSES_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    One(IpAddr),
    Others,
}

/// Wrong tries by address: when each will be forgiven.
#[derive(Debug, Default)]
pub(crate) struct WrongTries(Mutex<HashMap<Client, Instant>>);

impl WrongTries {
    /// How long an address has to wait before it is heard again.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let known = self.0.lock();
        let one = client(address);
        let of = |client| known.get(&client).copied();
        let full = known.len() >= ADDRESSES_MAX;
        let forgiven = of(one).or_else(|| of(Client::Others).filter(|_| full))?;
        let debt = forgiven.saturating_duration_since(now) + COST;
        debt.checked_sub(PATIENCE).filter(|wait| !wait.is_zero())
    }

    /// Counts a wrong try.
    pub(crate) fn count(&self, address: IpAddr, now: Instant) {
        let mut known = self.0.lock();
        let mut client = client(address);
        if !known.contains_key(&client) && known.len() >= ADDRESSES_MAX {
            known.retain(|client, forgiven| *forgiven > now || *client == Client::Others);
            if known.len() >= ADDRESSES_MAX {
                client = Client::Others;
            }
        }
        let forgiven = known.entry(client).or_insert(now);
        *forgiven = (*forgiven).max(now) + COST;
    }
}

fn client(address: IpAddr) -> Client {
    Client::One(match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_at_once_and_one_each_six_seconds_then() {
        let (tries, now) = (WrongTries::default(), Instant::now());
        let one = address("192.0.2.1");
        for _ in 0..10 {
            assert_eq!(tries.wait(one, now), None);
            tries.count(one, now);
        }
        assert_eq!(tries.wait(one, now), Some(COST));
        assert_eq!(tries.wait(address("192.0.2.2"), now), None);
        assert_eq!(tries.wait(address("::ffff:192.0.2.1"), now), Some(COST));
        let later = now + COST;
        assert_eq!(tries.wait(one, later), None);
        tries.count(one, later);
        assert_eq!(tries.wait(one, later), Some(COST));
        assert_eq!(tries.wait(one, later + PATIENCE), None);
    }

    #[test]
    fn a_network_is_one_address_and_addresses_have_a_bound() {
        let (tries, now) = (WrongTries::default(), Instant::now());
        for host in 0..10_u16 {
            tries.count(address(&format!("2001:db8::{host}")), now);
        }
        assert!(tries.wait(address("2001:db8::ffff"), now).is_some());
        for network in 0..20_000_u16 {
            tries.count(address(&format!("2001:db8:1:{network:x}::1")), now);
        }
        assert_eq!(tries.0.lock().len(), ADDRESSES_MAX + 1);
        assert!(
            tries.wait(address("192.0.2.1"), now).is_some(),
            "one of the others"
        );
        let later = now + Duration::from_hours(40);
        assert_eq!(tries.wait(address("192.0.2.1"), later), None);
        tries.count(address("192.0.2.1"), later);
        assert!(tries.0.lock().len() <= 2, "who is forgiven is forgotten");
    }
}
