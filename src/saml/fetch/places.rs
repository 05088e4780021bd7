//! Which addresses of the net are public: whatever the special-purpose registries of IANA keep for something else
//! (RFC 6890) is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What IPv4 keeps for something else: this network, private use, carriers' own (RFC 6598), loopback, link-local,
/// protocol assignments, documentation, relays of 6to4, benchmarks, multicast, and what is reserved, with broadcast.
const KEPT_4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];
/// The part of IPv6 that is given out to the public (RFC 4291 §2.4): all else, loopback, unique-local, link-local and
/// multicast among it, is not.
const GIVEN_OUT: Ipv6Net = v6(0x2000_0000, 3);
/// What is kept within it: protocol assignments (with Teredo and benchmarks), documentation, twice, and 6to4, whose
/// addresses lead to any of IPv4.
const KEPT_6: [Ipv6Net; 4] = [v6(0x2001_0000, 23), v6(0x2001_0db8, 32), v6(0x2002_0000, 16), v6(0x3fff_0000, 20)];
/// An address of IPv4 behind a translator (NAT64, RFC 6052).
const TRANSLATED: Ipv6Net = v6(0x0064_ff9b, 96);

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

/// A network by the first 32 bits of its addresses.
const fn v6(start: u32, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_bits((start as u128) << 96), length)
}

/// Whether an address is public. One of IPv4 counts by itself, however it is written: mapped, or translated.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !KEPT_4.iter().any(|kept| kept.contains(&address)),
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return is_public(mapped.into());
            }
            if TRANSLATED.contains(&address) {
                let [.., a, b, c, d] = address.octets();
                return is_public(Ipv4Addr::new(a, b, c, d).into());
            }
            GIVEN_OUT.contains(&address) && !KEPT_6.iter().any(|kept| kept.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
        169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0 203.0.112.255 \
        223.255.255.255 2001:200::1 2606:4700::1111 2a00:1450::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1";
    const KEPT: &str = "0.0.0.0 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 \
        127.255.255.255 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 \
        198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 \
        ::1.1.1.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 \
        64:ff9b:1::1.1.1.1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:101:101::1 \
        3fff::1 4000::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1";

    #[test]
    fn r52_what_is_public_is_told_from_what_is_not() {
        let check = |addresses: &str, expected: bool| {
            for address in addresses.split_whitespace() {
                assert_eq!(is_public(address.parse().expect(address)), expected, "{address}");
            }
        };
        check(PUBLIC, true);
        check(KEPT, false);
    }
}
