//! Addresses and networks of proxies.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address, or a network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// It is no address.
    #[error("this is not an IP address or a network")]
    NotAnAddress,
    /// The length of the prefix does not fit the address.
    #[error("the part behind `/` must be a number from 1 to {0}")]
    BadPrefix(u8),
    /// The address has bits behind the prefix, so that one of the two is a mistake.
    #[error("the address is not the first of its network, which is {0}")]
    NotFirst(Network),
}

impl Network {
    /// Whether the address lies in it. An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                masked(own.to_bits().into(), 32, self.prefix) == masked(other.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                masked(own.to_bits(), 128, self.prefix) == masked(other.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }
}

/// The first bits of so many.
fn masked(bits: u128, length: u8, prefix: u8) -> u128 {
    let behind = u32::from(length.saturating_sub(prefix));
    bits.checked_shr(behind).and_then(|bits| bits.checked_shl(behind)).unwrap_or_default()
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| BadNetwork::NotAnAddress)?;
        let address = written.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        // An IPv4 network that is written as IPv6 counts its prefix from the IPv6 address's beginning.
        let extra = if written.is_ipv6() && address.is_ipv4() { 96 } else { 0 };
        let prefix = match prefix {
            None => most,
            // A network of length 0 would be everybody.
            Some(digits) => digits
                .parse::<u8>()
                .ok()
                .filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|prefix| prefix.checked_sub(extra))
                .filter(|prefix| (1..=most).contains(prefix))
                .ok_or(BadNetwork::BadPrefix(most + extra))?,
        };
        let first = match address {
            IpAddr::V4(v4) => {
                let bits = masked(v4.to_bits().into(), 32, prefix);
                IpAddr::V4(u32::try_from(bits).unwrap_or_default().into())
            }
            IpAddr::V6(v6) => IpAddr::V6(masked(v6.to_bits(), 128, prefix).into()),
        };
        let network = Self { address: first, prefix };
        if first == address { Ok(network) } else { Err(BadNetwork::NotFirst(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<Network, BadNetwork> {
        text.parse()
    }

    #[test]
    fn a_network_holds_its_addresses_however_they_are_written() {
        for (text, inside, outside) in [
            ("10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("10.0.0.7", "::ffff:10.0.0.7", "::ffff:10.0.0.6"),
            ("::ffff:10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "a00::1"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.0.0.1"),
            ("172.16.0.0/12", "172.31.255.255", "172.32.0.0"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("::1", "::1", "127.0.0.1"),
            ("128.0.0.0/1", "255.255.255.255", "127.255.255.255"),
        ] {
            let network = network(text).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "proxy", "10.0.0", "10.0.0.0.0", "/8", " 10.0.0.1"] {
            assert_eq!(network(text), Err(BadNetwork::NotAnAddress), "{text}");
        }
        for text in
            ["10.0.0.0/0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "0.0.0.0/0", "10.0.0.0/999"]
        {
            assert_eq!(network(text), Err(BadNetwork::BadPrefix(32)), "{text}");
        }
        assert_eq!(network("::/0"), Err(BadNetwork::BadPrefix(128)));
        assert_eq!(
            network("10.0.0.7/8").unwrap_err().to_string(),
            "the address is not the first of its network, which is 10.0.0.0/8"
        );
    }
}
