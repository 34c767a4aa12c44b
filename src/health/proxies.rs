//! Which proxy a question goes through, by the variables that everybody uses.

use std::net::IpAddr;

use crate::model::env::Env;

/// The proxies of the environment. Those of its default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    /// Hosts that are asked without one: names, which stand for all below them, addresses, networks, or `*`.
    without: Vec<String>,
}

impl Proxies {
    /// By the variables of the environment; lower case comes first, as for other programs.
    pub fn of(env: &Env) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| env.text(name));
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let without = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let names = without.split([',', ' ']).map(str::trim);
        Self {
            http: owned(first(&[
                "http_proxy",
                "HTTP_PROXY",
                "all_proxy",
                "ALL_PROXY",
            ])),
            https: owned(first(&[
                "https_proxy",
                "HTTPS_PROXY",
                "all_proxy",
                "ALL_PROXY",
            ])),
            without: names
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
        }
    }

    /// One proxy for everything.
    #[cfg(test)]
    pub fn through(proxy: &str) -> Self {
        Self {
            http: Some(proxy.to_owned()),
            https: Some(proxy.to_owned()),
            without: Vec::new(),
        }
    }

    /// The proxy for this host. What runs on this machine is asked without one.
    pub fn for_host(&self, is_https: bool, host: &str) -> Option<&str> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let proxy = if is_https { &self.https } else { &self.http };
        let is_near = is_this_machine(&host) || self.without.iter().any(|it| covers(it, &host));
        proxy.as_deref().filter(|_| !is_near)
    }
}

fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether an entry of `no_proxy` covers the host.
fn covers(entry: &str, host: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        let bare = entry.trim_start_matches('[').trim_end_matches(']');
        return match entry.split_once('/') {
            Some((network, bits)) => is_within(address, network, bits),
            None => bare.parse() == Ok(address),
        };
    }
    let name = entry.trim_start_matches('*').trim_matches('.');
    let rest = host.strip_suffix(name).filter(|_| !name.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let wide = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((one, width), (other, of_network)) = (wide(address), wide(network));
    let differing = one ^ other;
    width == of_network && bits <= width && differing.leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let variables: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Proxies::of(&Env {
            directory: "/".into(),
            directory_given: false,
            variables,
            processors: 1,
        })
    }

    #[test]
    fn a_proxy_is_used_for_its_scheme() {
        let both = proxies(&[
            ("HTTP_PROXY", "a:1"),
            ("https_proxy", "b:1"),
            ("ALL_PROXY", "c:1"),
        ]);
        assert_eq!(both.for_host(false, "x.test"), Some("a:1"));
        assert_eq!(both.for_host(true, "x.test"), Some("b:1"));
        let all = proxies(&[("ALL_PROXY", "c:1"), ("http_proxy", "")]);
        assert_eq!(all.for_host(false, "x.test"), Some("c:1"));
        assert_eq!(proxies(&[]).for_host(false, "x.test"), None);
    }

    #[test]
    fn some_hosts_are_asked_without_a_proxy() {
        let proxies = proxies(&[
            ("http_proxy", "a:1"),
            (
                "no_proxy",
                "one.test, .two.test,*.three.test,10.0.0.0/8,192.168.1.1,fd00::/8,[::2],1.2.3.4/x,/,.",
            ),
        ]);
        let check = |host: &str, without: bool| {
            assert_eq!(proxies.for_host(false, host).is_none(), without, "{host}");
        };
        for host in [
            "localhost",
            "LocalHost.",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "0.0.0.0",
        ] {
            check(host, true);
        }
        for host in [
            "one.test",
            "a.one.test",
            "two.test",
            "b.two.test",
            "c.THREE.test",
            "10.1.2.3",
        ] {
            check(host, true);
        }
        check("[fd00::1]", true);
        check("[::2]", true);
        check("[::ffff:127.0.0.1]", true);
        check("192.168.1.1", true);
        for host in [
            "someone.test",
            "one.test.evil",
            "11.1.2.3",
            "192.168.1.2",
            "[fe00::1]",
            "1.2.3.4",
            "x",
        ] {
            check(host, false);
        }
    }
}
