//! What is not answered, and how that is said.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use forebay::stream::StreamingContext;
use forebay_serve::{ServeError, ServedState, ServedStream, Server};

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
        ("/state/ebb", "bad_key"),
        ("/sample?key=two", "bad_key"),
        ("/state/%FF", "bad_path"),
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
        "",
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
    // Whoever has the token may come by any name.
    let words = Words::new(|it| it.token("s3cret"));
    let host = "Host: proxied.example\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n";
    let request = format!("GET /streams HTTP/1.1\r\n{host}\r\n");
    assert_eq!(exchange(words.server.local_addr(), &request).status, 200);
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
    for builder in [
        Server::builder().max_connections(0),
        Server::builder().max_rows(0),
        Server::builder().max_answer(0),
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
