//! Which addresses Slack and webhooks may have: those of the public internet, unless the operator allows more.
//!
//! Names are resolved here and filtered before the connection is made to the very addresses that passed, so a name that
//! resolves differently a moment later gains nothing. Addresses written as numbers never reach a resolver and are checked
//! where the URL is read and again before each request.

use crate::yaml::{Key, LazySchema, Schema, ValueType};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// What Slack and webhook addresses may name. The mail server is not restricted.
///
/// No proxy is ever used for them: a proxy would resolve the name itself, and the checked address would not be the one
/// that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetworkSettings {
    /// Whether loopback, private and other addresses that are not on the public internet may be reached.
    pub allow_private: bool,
}

/// The keys of `network`.
pub static NETWORK_SCHEMA: LazySchema = LazySchema::new(|| {
    let key = Key::new(
        "allow_private",
        ValueType::Bool,
        "Whether Slack and webhooks may reach this machine, private and other addresses that are not on the public internet.",
    );
    Schema::new("network", "What Slack and webhooks may reach.", [key.default(false)])
});

/// The target's address is not on the public internet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not on the public internet")]
pub(super) struct PrivateAddress(pub(super) IpAddr);

/// The host as a number, where it is written as one that may not be reached.
pub(super) fn private_host(url: &Url) -> Option<IpAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain(_) => return None,
    };
    (!is_public(address)).then_some(address)
}

/// Whether an address is one of the public internet, for a single receiver.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)                 // this network, private, loopback
            | (100, 64..=127, _)             // carrier-grade NAT
            | (169, 254, _)                  // link-local, cloud metadata
            | (172, 16..=31, _)              // private
            | (192, 0, 0 | 2)                // protocol assignments, documentation
            | (192, 88, 99)                  // old 6to4 relays
            | (192, 168, _)                  // private
            | (198, 18 | 19, _)              // benchmarks
            | (198, 51, 100)                 // documentation
            | (203, 0, 113)                  // documentation
            | (224..=255, _, _) // multicast, reserved, broadcast
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    // NAT64 networks reach the whole IPv4 internet through this prefix: what counts is the address inside.
    if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Everything outside 2000::/3 is loopback, mapped, local, multicast or unassigned.
    let global = s[0] & 0xe000 == 0x2000;
    global
        && !(s[0] == 0x2001 && s[1] < 0x0200)      // protocol assignments, Teredo
        && !(s[0] == 0x2001 && s[1] == 0x0db8)     // documentation
        && s[0] != 0x2002                          // 6to4: an IPv4 address in disguise
        && !(s[0] == 0x3fff && s[1] < 0x1000) // documentation
}

/// Resolves names as the system does, and lets only allowed addresses through.
pub(super) struct PublicResolver {
    pub(super) allow_private: bool,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = allowed(found, allow_private)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be connected to. A name that has none but private ones is an error that says so.
fn allowed(found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, PrivateAddress> {
    if allow_private {
        return Ok(found);
    }
    let refused = found.iter().map(SocketAddr::ip).find(|address| !is_public(*address));
    let left: Vec<SocketAddr> = found.into_iter().filter(|address| is_public(address.ip())).collect();
    match refused {
        Some(address) if left.is_empty() => Err(PrivateAddress(address)),
        _ => Ok(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let cases = [
            ("93.184.216.34", true),
            ("1.1.1.1", true),
            ("100.63.0.1", true),
            ("172.32.0.1", true),
            ("192.0.1.1", true),
            ("223.255.255.255", true),
            ("2606:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("64:ff9b::5db8:d822", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.7", false),
            ("203.0.113.7", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", false),
            ("::7f00:1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn numbers_in_disguise_are_seen() {
        for (text, private) in [
            ("http://127.0.0.1/", true),
            ("http://2130706433/", true),
            ("http://0x7f.1/", true),
            ("http://0177.0.0.1/", true),
            ("http://127.0.0.1./", true),
            ("http://[::1]/", true),
            ("http://[::ffff:10.0.0.1]/", true),
            ("http://8.8.8.8/", false),
            ("http://example.com/", false),
        ] {
            assert_eq!(private_host(&Url::parse(text).unwrap()).is_some(), private, "{text}");
        }
    }

    #[test]
    fn private_addresses_of_a_name_are_left_out() {
        let at = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let both = vec![at("10.0.0.1:0"), at("1.1.1.1:0")];
        assert_eq!(allowed(both.clone(), false), Ok(vec![at("1.1.1.1:0")]));
        assert_eq!(allowed(both.clone(), true), Ok(both));
        assert_eq!(allowed(vec![at("10.0.0.1:0")], false), Err(PrivateAddress("10.0.0.1".parse().unwrap())));
        assert_eq!(allowed(vec![], false), Ok(vec![]));
    }
}
