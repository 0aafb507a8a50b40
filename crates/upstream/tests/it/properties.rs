//! What holds for any input.

use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use tokio::join;
use upstream::{EndpointUrl, Forward, HostHeader, RetryOn, proxy_status};

use crate::client::{empty, send};
use crate::origin::Origin;

proptest! {
    #[test]
    fn any_text_is_an_address_or_an_error(text in "\\PC*") {
        let _ = text.parse::<EndpointUrl>();
        let _ = HostHeader::try_from(text.clone());
        let _ = RetryOn::try_from(text.clone());
        let _ = proxy_status(&text);
    }

    #[test]
    fn an_address_is_written_as_it_is_read(host in "[a-z][a-z0-9-]{0,20}", port in 1..=u16::MAX) {
        let url: EndpointUrl = format!("http://{host}:{port}").parse().unwrap();
        prop_assert_eq!(url.port(), port);
        prop_assert_eq!(url.to_string().parse::<EndpointUrl>().unwrap(), url);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever fields a client sends, what `Connection` names does not reach the origin and the
    /// origin can read the head.
    #[test]
    fn no_field_of_one_hop_passes(
        named in proptest::collection::vec("x-[a-z]{1,8}", 0..4),
        values in proptest::collection::vec("[ -~]{0,20}", 4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let head = runtime.block_on(async {
            let origin = Origin::bind().await;
            let forward = Forward::alone(origin.policy());
            let mut request = Request::get("/").body(empty()).unwrap();
            let headers = request.headers_mut();
            for (name, value) in named.iter().zip(&values) {
                headers.append("connection", name.parse().unwrap());
                headers.append(
                    HeaderName::try_from(name.as_str()).unwrap(),
                    HeaderValue::try_from(value.as_str()).unwrap(),
                );
            }
            let script = origin.answer("HTTP/1.1 204 No Content\r\n\r\n");
            join!(send(&forward, request), script).1.1
        });
        for name in named {
            let field = format!("\r\n{name}:");
            prop_assert!(!head.contains(&field), "{}", head);
        }
        prop_assert!(!head.contains("\r\nconnection:"), "{}", head);
    }
}
