//! The hosts by which requests may address the server.
//!
//! A website can have its own name resolve to 127.0.0.1 (DNS rebinding). Browsers then regard the files of this server as files of that website, and
//! let its scripts read them. Such requests differ from others only in their `Host`.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use hyper::header::HOST;
use hyper::{HeaderMap, Uri};

/// A host as URLs name it, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// In lower case, without a dot at its end.
    Name(String),
    Address(IpAddr),
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no `Host`, there are several, or it is malformed.
    Malformed,
    NotAllowed(Host),
}

impl Host {
    /// Checks all hosts that a request names. `local` is the address that its connection was made to.
    ///
    /// That address is always allowed, as are those of the loopback interface: a browser sends an address only to the machine that has it. Names are
    /// allowed if they end in `localhost`, or if they are listed.
    pub(crate) fn check(uri: &Uri, headers: &HeaderMap, local: IpAddr, allowed: &[Self]) -> Result<(), Refusal> {
        let mut values = headers.get_all(HOST).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Refusal::Malformed);
        };
        let value = value.to_str().map_err(|_| Refusal::Malformed)?;
        // The target of a request may be a whole URL, whose host then overrides the header.
        let target = uri.authority().map(|authority| authority.as_str());
        for value in [value].into_iter().chain(target) {
            let host = Self::of_authority(value).ok_or(Refusal::Malformed)?;
            let of_this_machine = match &host {
                Self::Address(address) => address.is_loopback() || *address == local,
                Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            };
            if !of_this_machine && !allowed.contains(&host) {
                return Err(Refusal::NotAllowed(host));
            }
        }
        Ok(())
    }

    /// The host of `host` or `host:port`.
    fn of_authority(authority: &str) -> Option<Self> {
        let end = if authority.starts_with('[') {
            authority.find(']')? + 1
        } else {
            authority.find(':').unwrap_or(authority.len())
        };
        let (host, port) = authority.split_at(end);
        let port = port.strip_prefix(':').unwrap_or(port);
        if port.bytes().all(|digit| digit.is_ascii_digit()) { host.parse().ok() } else { None }
    }
}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Some(address) = bracketed.and_then(|text| text.parse::<Ipv6Addr>().ok()) {
            return Ok(Self::Address(address.into()));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let ordinary = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || !name.bytes().all(ordinary) {
            return Err("it is a host name or an address, without scheme, port and path");
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

impl Display for Host {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(address) => write!(formatter, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn address_of_the_connection_is_allowed() {
        let local = "192.0.2.1".parse().unwrap();
        assert_eq!(check("192.0.2.1:8080", local), Ok(()));
        let other = "192.0.2.2".parse().unwrap();
        assert_eq!(check("192.0.2.2:8080", local), Err(Refusal::NotAllowed(Host::Address(other))));
        assert_eq!(check("192.0.2.1.", local), Err(Refusal::NotAllowed(Host::Name("192.0.2.1".to_owned()))));
    }

    fn check(host: &'static str, local: IpAddr) -> Result<(), Refusal> {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        Host::check(&Uri::from_static("/"), &headers, local, &[])
    }
}
