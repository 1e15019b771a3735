//! The host of a connection, independent of its spelling.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// The host of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    /// The folder of a unix socket.
    Socket(PathBuf),
    /// A host name or an address.
    Name(String),
}

/// Names that a resolver maps to this machine without a query.
const LOOPBACK_NAMES: &[&str] =
    &["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];

/// What a pattern may call this machine.
const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "::1"];

impl Host {
    /// Whether the server is on this machine. If that is uncertain, it counts as remote, which is
    /// the safer assumption.
    pub(crate) fn is_this_machine(&self) -> bool {
        match self {
            Host::Socket(_) => true,
            Host::Name(name) => {
                let name = normal(name);
                name == "localhost" || address(&name).is_some_and(|address| address.is_loopback())
            }
        }
    }

    /// Whether a pattern of `db.toml` matches this host, in any spelling of either: case, a
    /// trailing dot, the forms of an address, and every name of this machine.
    pub(crate) fn fits(&self, pattern: &str) -> bool {
        let pattern = normal(pattern);
        let mut spellings = match self {
            Host::Socket(folder) => vec![folder.display().to_string().to_lowercase()],
            Host::Name(name) => vec![name.to_lowercase(), normal(name)],
        };
        if matches!(self, Host::Socket(_)) || spellings.iter().any(|name| is_loopback(name)) {
            spellings.extend(LOOPBACK.iter().map(|&name| name.to_owned()));
            if is_loopback(&pattern) {
                return true;
            }
        }
        // An IPv6 address in brackets would be a set of characters.
        spellings.contains(&pattern)
            || glob::Pattern::new(&pattern)
                .is_ok_and(|pattern| spellings.iter().any(|name| pattern.matches(name)))
    }
}

/// Whether a normalised name is a loopback name or address, including the unspecified address.
fn is_loopback(name: &str) -> bool {
    LOOPBACK_NAMES.contains(&name)
        || name.ends_with(".localhost")
        || address(name).is_some_and(|address| address.is_loopback() || address.is_unspecified())
}

/// A name in the one form that all of its spellings share.
fn normal(name: &str) -> String {
    let name = name.to_lowercase();
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = bare.and_then(address).or_else(|| address(&name)) {
        return address.to_string();
    }
    let name = name.strip_suffix('.').unwrap_or(&name);
    address(name).map_or_else(|| name.to_owned(), |address| address.to_string())
}

/// The address that a text is, in any of the forms that a resolver reads.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split('%').next().unwrap_or_default();
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6(address),
        });
    }
    short_ipv4(text).map(IpAddr::V4)
}

/// `127.1`, `0x7f.0.0.1`, `2130706433`: one to four numbers, decimal, octal or hexadecimal, of
/// which the last one fills all remaining bytes (as `inet_aton` and `getaddrinfo` read them).
fn short_ipv4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, bytes) = numbers.split_last()?;
    if bytes.len() > 3 || bytes.iter().any(|byte| *byte > 255) {
        return None;
    }
    let room = 8 * (4 - bytes.len());
    if room < 32 && u64::from(*last) >= 1 << room {
        return None;
    }
    let head = bytes.iter().enumerate().map(|(at, byte)| byte << (24 - 8 * at)).sum::<u32>();
    Some(Ipv4Addr::from(head | last))
}

fn number(text: &str) -> Option<u32> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.starts_with(|first: char| first.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        if name.starts_with('/') { Host::Socket(name.into()) } else { Host::Name(name.to_owned()) }
    }

    /// Every spelling of this machine.
    const THIS: [&str; 14] = [
        "localhost",
        "LocalHost.",
        "127.0.0.1",
        "127.1",
        "127.8.9.10",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "::1",
        "0:0:0:0:0:0:0:1",
        "0:0::0.0.0.1",
        "::ffff:127.0.0.1",
        "::FFFF:7f00:1",
        "/run/postgresql",
    ];

    #[test]
    fn every_spelling_of_this_machine_fits_every_other() {
        for name in THIS {
            assert!(host(name).is_this_machine(), "{name}");
            for pattern in THIS.into_iter().filter(|pattern| !pattern.starts_with('/')) {
                assert!(host(name).fits(pattern), "{name} {pattern}");
            }
            for pattern in ["local*", "127.0.0.*", "[::1]", "*"] {
                assert!(host(name).fits(pattern), "{name} {pattern}");
            }
            for pattern in ["db.example", "10.*", "128.0.0.1"] {
                assert!(!host(name).fits(pattern), "{name} {pattern}");
            }
        }
        assert!(host("/run/postgresql").fits("/run/*"));
        // These may resolve to another machine: patterns match them, but they do not count as this
        // machine.
        for name in ["0.0.0.0", "::", "db.localhost", "ip6-localhost"] {
            assert!(host(name).fits("localhost") && !host(name).is_this_machine(), "{name}");
        }
    }

    #[test]
    fn other_hosts_fit_in_any_spelling_too() {
        for name in ["db.prod.example", "DB.Prod.Example", "db.prod.example."] {
            for pattern in ["*.prod.example", "*.PROD.example.", "db.prod.example"] {
                assert!(host(name).fits(pattern), "{name} {pattern}");
            }
            assert!(!host(name).fits("prod.example") && !host(name).is_this_machine());
        }
        assert!(host("2001:DB8::0:1").fits("2001:db8:0::1"));
        assert!(host("2001:db8::1").fits("[2001:db8::1]"));
        assert!(host("10.1.2.3").fits("10.66051") && host("167772161").fits("10.0.0.*"));
        assert!(host("::ffff:10.0.0.1").fits("10.0.0.1"));
        assert!(!host("1.2.3.4.5").fits("1.2.3.4") && !host("256.1.1.1").is_this_machine());
        assert!(!host("localhost.evil.example").fits("localhost"));
    }
}
