//! What is not answered, and how that is said.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use forebay::stream::StreamingContext;
use forebay_serve::{ServeError, ServedState, ServedStream, Server, ServerBuilder};

use super::flaky::Flaky;
use super::{Words, connect, exchange, get, request};

#[test]
fn what_is_missing_is_a_404() {
    let mut words = Words::new(|it| it);
    words.step("ebb");
    let server = words.server.local_addr();
    for (path, code) in [
        ("/nothing", "no_such_page"),
        ("/streams/", "no_such_page"),
        ("/streams/other/top", "no_such_stream"),
        ("/streams/other/state/ebb", "no_such_stream"),
        ("/streams/other/charts", "no_such_stream"),
        ("/page.js/..", "no_such_page"),
    ] {
        assert_eq!(get(server, path).refusal(), (404, code.into()), "{path}");
    }
    for (path, code) in [
        ("/state/flow?of=counts", "no_such_key"),
        ("/sample?key=x", "no_such_key"),
        ("/top?of=samples", "no_such_state"),
        ("/sample?of=counts", "no_such_state"),
        ("/state/ebb?of=", "no_such_state"),
        ("/state/flow", "no_such_key"),
        ("/state?key=flow", "no_such_key"),
    ] {
        assert_eq!(words.get(path).refusal(), (404, code.into()), "{path}");
    }
}

#[test]
fn questions_that_make_no_sense_are_bad_requests() {
    let words = Words::new(|it| it.max_rows(50));
    let long = format!("/state/{}?of=counts", "x".repeat(1_025));
    let long_sample = format!("/sample?key={}", "x".repeat(1_025));
    for (path, code) in [
        ("/state/two?of=samples", "bad_key"),
        ("/state/e", "which_state"),
        ("/state?key=e", "which_state"),
        ("/sample?key=two", "bad_key"),
        ("/state/%FF", "bad_key"),
        ("/state/%FF?of=counts", "bad_key"),
        ("/state?of=counts", "bad_query"),
        ("/state?key=a&key=a", "bad_query"),
        ("/state/a?key=a", "bad_query"),
        ("/top?n=2&n=2", "bad_query"),
        ("/top?n=2&%6E=1", "bad_query"),
        ("/top?of=heavy&of=counts", "bad_query"),
        ("/top?of=%FF", "bad_query"),
        ("/charts?n=1", "bad_query"),
        ("/top?n=51", "bad_number"),
        ("/top?n=99999999999999999999999", "bad_number"),
        ("/top?n=-1", "bad_number"),
        ("/top?n=", "bad_number"),
        ("/sample?n=51", "bad_number"),
        ("/top?m=1", "bad_query"),
        ("/state/ebb?n=1", "bad_query"),
        (&long, "long_key"),
        (&long_sample, "long_key"),
    ] {
        assert_eq!(words.get(path).refusal(), (400, code.into()), "{path}");
    }
    for path in ["/streams?n=1", "/streams?"] {
        let status = if path.ends_with('?') { 200 } else { 400 };
        assert_eq!(get(words.server.local_addr(), path).status, status);
    }
    let bad_name = get(words.server.local_addr(), "/streams/%FF/top");
    assert_eq!(bad_name.refusal(), (400, "bad_path".into()));
    assert_eq!(words.get("/top?n=50").status, 200);
    let longest = format!("/state/{}?of=counts", "x".repeat(1_024));
    assert_eq!(words.get(&longest).refusal(), (404, "no_such_key".into()));
}

#[test]
fn nothing_but_get_and_head_is_answered() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for path in ["/", "/streams", "/metrics", "/nothing"] {
            let more = "Origin: http://elsewhere.example\r\nContent-Length: 0\r\n";
            let reply = request(method, server, path, more);
            assert_eq!(
                reply.refusal(),
                (405, "method_not_allowed".into()),
                "{method}"
            );
            assert_eq!(reply.header("allow"), Some("get, head"));
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
    }
}

#[test]
fn a_token_is_asked_for_everything_but_the_empty_page() {
    let words = Words::new(|it| it.token("s3cret"));
    let server = words.server.local_addr();
    let with = |path: &str, header: &str| request("GET", server, path, header);
    for path in ["/streams", "/metrics", "/streams/x/top", "/nothing"] {
        for header in [
            "",
            "Authorization: Bearer s3cre\r\n",
            "Authorization: Bearer s3cres\r\n",
            "Authorization: Bearer s3cret2\r\n",
            "Authorization: Bearer\r\n",
            "Authorization: Basic s3cret\r\n",
            "Authorization: s3cret\r\n",
            "Authorization: Bearer s3cret\r\nAuthorization: Bearer s3cret\r\n",
            "X-Token: s3cret\r\n",
        ] {
            let reply = with(path, header);
            assert_eq!(
                reply.refusal(),
                (401, "unauthorized".into()),
                "{path} {header}"
            );
            assert_eq!(reply.header("www-authenticate"), Some("bearer"));
        }
    }
    for header in [
        "Authorization: Bearer s3cret\r\n",
        "authorization: bearer s3cret\r\n",
    ] {
        assert_eq!(with("/streams", header).status, 200);
        assert_eq!(with("/metrics", header).status, 200);
        assert_eq!(with("/nothing", header).refusal().0, 404);
    }
    assert_eq!(with("/streams?token=s3cret", "").status, 401);
    for path in ["/", "/page.js", "/page.css"] {
        assert_eq!(with(path, "").status, 200);
    }
}

#[test]
fn a_page_elsewhere_cannot_reach_the_loopback_by_a_name_of_its_own() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    let as_host = |host: &str| {
        exchange(
            server,
            &format!("GET /streams HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        )
    };
    for host in [
        "localhost",
        "localhost:80",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:5",
    ] {
        assert_eq!(as_host(&format!("Host: {host}\r\n")).status, 200, "{host}");
    }
    for host in [
        "Host: rebound.example\r\n",
        "Host: localhost.example:80\r\n",
        "Host: \r\n",
    ] {
        assert_eq!(
            as_host(host).refusal(),
            (421, "foreign_host".into()),
            "{host}"
        );
    }
    // The target of a request comes before its Host.
    let target = |host: &str| format!("GET http://{host}/streams HTTP/1.1\r\nHost: localhost\r\n");
    for (host, status) in [("rebound.example", 421), ("127.0.0.1:1", 200)] {
        let request = format!("{}Connection: close\r\n\r\n", target(host));
        assert_eq!(exchange(server, &request).status, status, "{host}");
    }
    // Whoever has the token may come by any name.
    let words = Words::new(|it| it.token("s3cret"));
    let host = "Host: proxied.example\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n";
    let request = format!("GET /streams HTTP/1.1\r\n{host}\r\n");
    assert_eq!(exchange(words.server.local_addr(), &request).status, 200);
}

#[test]
fn a_request_has_one_valid_host() {
    let open = |it: ServerBuilder| it.bind((Ipv4Addr::UNSPECIFIED, 0)).open_to_everyone();
    for words in [
        Words::new(|it| it),
        Words::new(|it| it.token("s3cret")),
        Words::new(open),
    ] {
        let port = words.server.local_addr().port();
        let server = (Ipv4Addr::LOCALHOST, port).into();
        for host in [
            "",
            "Host: localhost\r\nHost: localhost\r\n",
            "Host: localhost\r\nhost: evil.example\r\n",
            "Host: evil.example@localhost\r\n",
            "Host: localhost:80:80\r\n",
            "Host: localhost, localhost\r\n",
            "Host: localhost/\r\n",
            "Host: \u{e4}\r\n",
        ] {
            let head = format!("{host}Authorization: Bearer s3cret\r\nConnection: close\r\n");
            for target in ["/streams", "/", "http://localhost/streams"] {
                let reply = exchange(server, &format!("GET {target} HTTP/1.1\r\n{head}\r\n"));
                assert_eq!(
                    reply.refusal(),
                    (400, "bad_host".into()),
                    "{host:?} {target}"
                );
            }
        }
    }
}

#[test]
fn a_mapped_address_of_the_loopback_is_guarded_like_the_loopback() {
    let address = (Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 0);
    if TcpListener::bind(address).is_err() {
        println!("NOT TESTED: mapped addresses, which this machine does not have");
        return;
    }
    let words = Words::new(|it| it.bind(address));
    let server = words.server.local_addr();
    let as_host = |host: &str| {
        let head = format!("Host: {host}\r\nConnection: close\r\n");
        exchange(server, &format!("GET /streams HTTP/1.1\r\n{head}\r\n"))
    };
    assert_eq!(as_host("evil.example").refusal().0, 421);
    assert_eq!(as_host(&server.to_string()).status, 200);
}

#[test]
fn beyond_the_loopback_a_token_is_needed_or_a_word() {
    for address in [IpAddr::from(Ipv4Addr::UNSPECIFIED), [192, 0, 2, 1].into()] {
        let builder = || Server::builder().bind((address, 0));
        for refused in [builder().check().err(), builder().start().err()] {
            assert!(matches!(refused, Some(ServeError::Open(at)) if at.ip() == address));
        }
        assert!(builder().token("s3cret").check().is_ok());
        assert!(builder().open_to_everyone().check().is_ok());
    }
    let words = Words::new(|it| it.bind((Ipv4Addr::UNSPECIFIED, 0)).open_to_everyone());
    let server = (Ipv4Addr::LOCALHOST, words.server.local_addr().port()).into();
    let head = "Host: any.example\r\nConnection: close\r\n\r\n";
    let reply = exchange(server, &format!("GET /streams HTTP/1.1\r\n{head}"));
    assert_eq!(reply.status, 200);
    // At the loopback the word changes nothing.
    let words = Words::new(ServerBuilder::open_to_everyone);
    let reply = exchange(
        words.server.local_addr(),
        &format!("GET /streams HTTP/1.1\r\n{head}"),
    );
    assert_eq!(reply.refusal(), (421, "foreign_host".into()));
}

#[test]
fn pages_of_other_sites_may_link_here_but_not_ask() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    let says = |site: &str, mode: &str| {
        let more = format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\n");
        request("GET", server, "/streams", &more)
    };
    for (site, mode) in [
        ("same-origin", "cors"),
        ("none", "navigate"),
        ("cross-site", "navigate"),
    ] {
        assert_eq!(says(site, mode).status, 200, "{site} {mode}");
    }
    for (site, mode) in [
        ("cross-site", "no-cors"),
        ("cross-site", "cors"),
        ("same-site", "no-cors"),
    ] {
        assert_eq!(
            says(site, mode).refusal(),
            (403, "foreign_page".into()),
            "{site} {mode}"
        );
    }
}

#[test]
fn settings_that_cannot_be_are_errors() {
    let ctx = StreamingContext::builder("twin").build().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    let error = Server::builder().bind(taken.1).start().unwrap_err();
    assert!(matches!(error, ServeError::Address(at, _) if at == taken.1));
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen at {}: ", taken.1))
    );
    for token in ["", "two words", "line\n", "ümlaut"] {
        let error = Server::builder().token(token).start().unwrap_err();
        assert!(matches!(error, ServeError::Token), "{token:?}");
    }
    let twins = Server::builder()
        .stream(ServedStream::of(&ctx))
        .stream(ServedStream::of(&ctx));
    assert!(matches!(twins.start().unwrap_err(), ServeError::Name(name) if name == "twin"));
    let counts = ctx
        .batches([vec![(1u64, 1u64)]])
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let served = || ServedState::new(counts.handle());
    let twins = ServedStream::of(&ctx)
        .state("counts", served())
        .state("counts", served());
    let error = Server::builder().stream(twins).start().unwrap_err();
    assert!(matches!(error, ServeError::Name(name) if name == "counts"));
    let (numbers, status) = ctx.receiver(Flaky(0));
    numbers.for_each_batch(|_, _| Ok(()));
    let twins = ServedStream::of(&ctx)
        .receiver("in", status.clone())
        .receiver("in", status);
    let error = Server::builder().stream(twins).start().unwrap_err();
    assert!(matches!(error, ServeError::Name(name) if name == "in"));
    for name in ["", ".", ".."] {
        let ctx = StreamingContext::builder(name).build().unwrap();
        let error = Server::builder().stream(ServedStream::of(&ctx)).start();
        assert!(matches!(error, Err(ServeError::StreamName(it)) if it == name));
    }
    for builder in [
        Server::builder().max_connections(0),
        Server::builder().max_rows(0),
        Server::builder().max_answer(0),
        Server::builder().max_unread(0),
        Server::builder().timeout(std::time::Duration::ZERO),
    ] {
        assert!(matches!(builder.start().unwrap_err(), ServeError::Limit));
    }
}

#[test]
fn requests_that_are_none_do_no_harm() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    for nonsense in [
        "\r\n\r\n\r\n\r\nnonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /streams HTTP/9.9\r\n\r\n",
        "GET /str eams HTTP/1.1\r\n\r\n",
        "GET /streams HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /streams HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET /streams HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n",
    ] {
        let reply = exchange(server, nonsense);
        assert!(
            (400..=505).contains(&reply.status),
            "{nonsense:?}: {reply:?}"
        );
    }
    // Another protocol, to which there is no answer in this one.
    let mut client = connect(server);
    client
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    let mut rest = Vec::new();
    assert_eq!(client.read_to_end(&mut rest).unwrap_or(0), 0);
    assert_eq!(get(server, "/streams").status, 200);
}
