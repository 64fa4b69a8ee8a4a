//! What the program says on stdout when it serves: its addresses, one per line, and four commands to paste.

use rpcwrap::ListenAddr;
use std::{
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Writes the announcement. The first line is `listening on ` and the first address.
///
/// With `tls` the commands use it, without asking whose certificate the server has: `-k` works with every one.
pub(crate) fn write(
    out: &mut impl Write,
    bound: &[ListenAddr],
    http_rpc: &[ListenAddr],
    admin: &[ListenAddr],
    tls: bool,
) -> io::Result<()> {
    for (what, addrs) in [("listening", bound), ("http-rpc", http_rpc), ("admin", admin)] {
        for addr in addrs {
            writeln!(out, "{what} on {addr}")?;
        }
    }
    let (curl, scheme) = if tls { ("curl -k", "https") } else { ("curl", "http") };
    let tcp = bound.iter().find(|addr| matches!(addr, ListenAddr::Tcp(_))).or(bound.first());
    let commands = match tcp {
        Some(ListenAddr::Tcp(addr)) => {
            let addr = reachable(*addr);
            let [multiply, status, count] = http_commands(curl, &format!("{scheme}://{addr}"));
            let count = if tls { count } else { count_over_json(addr) };
            [multiply, status, count, redis_cli(&format!("-h {} -p {}", addr.ip(), addr.port()), tls)]
        }
        Some(ListenAddr::Unix(path)) => {
            let curl = format!("{curl} --unix-socket {}", path.display());
            let [multiply, status, count] = http_commands(&curl, &format!("{scheme}://localhost"));
            [multiply, status, count, redis_cli(&format!("-s {}", path.display()), tls)]
        }
        _ => return out.flush(),
    };
    writeln!(out, "\ntry, from another terminal:")?;
    for command in commands {
        writeln!(out, "  {command}")?;
    }
    writeln!(out, "\nCtrl-C stops; `rpcwrapd --help` lists the rest")?;
    out.flush()
}

fn redis_cli(server: &str, tls: bool) -> String {
    let tls = if tls { " --tls --insecure" } else { "" };
    format!("redis-cli {server}{tls} Arith.Multiply 7 8")
}

fn count_over_json(addr: SocketAddr) -> String {
    let count = r#"{"method":"Count.Up","params":[{"To":3}],"id":1}"#;
    // The server keeps the connection for more calls; curl ends it after a second.
    format!(r"printf 'CONNECT /_json_rpc_ HTTP/1.0\n\n{count}' | curl -sNm1 telnet://{addr}")
}

fn http_commands(curl: &str, url: &str) -> [String; 3] {
    [
        format!(r#"{curl} -d '{{"A":7,"B":8}}' {url}/Arith/Multiply"#),
        format!("{curl} {url}/debug/status"),
        format!(r#"{curl} -N -d '{{"To":3}}' {url}/Count/Up"#),
    ]
}

/// An address a client on this machine can connect to.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    addr
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bound: &[ListenAddr], http_rpc: &[ListenAddr]) -> String {
        let mut out = Vec::new();
        write(&mut out, bound, http_rpc, &[tcp("127.0.0.1:7079")], false).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn tcp(addr: &str) -> ListenAddr {
        ListenAddr::Tcp(addr.parse().unwrap())
    }

    fn unix() -> ListenAddr {
        ListenAddr::Unix(std::path::Path::new("/run/s").into())
    }

    #[test]
    fn addresses_first_then_four_commands() {
        let text = written(&[tcp("127.0.0.1:7070"), unix()], &[tcp("[::1]:7071")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..5],
            [
                "listening on 127.0.0.1:7070",
                "listening on unix:/run/s",
                "http-rpc on [::1]:7071",
                "admin on 127.0.0.1:7079",
                ""
            ]
        );
        assert_eq!(lines[6], r#"  curl -d '{"A":7,"B":8}' http://127.0.0.1:7070/Arith/Multiply"#);
        assert_eq!(lines[7], "  curl http://127.0.0.1:7070/debug/status");
        assert!(lines[8].ends_with("| curl -sNm1 telnet://127.0.0.1:7070"));
        assert_eq!(lines[9..11], ["  redis-cli -h 127.0.0.1 -p 7070 Arith.Multiply 7 8", ""]);
    }

    #[test]
    fn with_tls_all_commands_use_it() {
        for (addr, start) in [
            (tcp("0.0.0.0:7"), "  curl -k -d '{\"A\":7,\"B\":8}' https://127.0.0.1:7/Arith/Multiply\n"),
            (
                unix(),
                "  curl -k --unix-socket /run/s -d '{\"A\":7,\"B\":8}' https://localhost/Arith/Multiply\n",
            ),
        ] {
            let mut out = Vec::new();
            write(&mut out, &[addr], &[], &[], true).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains(start), "{text}");
            assert_eq!((text.matches("  curl -k ").count(), text.contains("http:")), (3, false), "{text}");
        }
    }

    #[test]
    fn commands_name_an_address_that_can_be_reached() {
        for (addr, reachable) in
            [("0.0.0.0:7", "127.0.0.1:7"), ("[::]:7", "[::1]:7"), ("10.1.2.3:7", "10.1.2.3:7")]
        {
            let text = written(&[tcp(addr)], &[]);
            assert!(text.starts_with(&format!("listening on {addr}\n")), "{text}");
            assert!(text.contains(&format!("http://{reachable}/")), "{text}");
        }
        let text = written(&[unix()], &[]);
        assert_eq!(text.matches("  curl --unix-socket /run/s ").count(), 3, "{text}");
    }
}
