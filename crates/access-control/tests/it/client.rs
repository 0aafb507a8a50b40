//! The layer that finds the client.

use std::convert::Infallible;
use std::net::IpAddr;

use access_control::{ClientAddr, ClientAddrLayer, Trust, TrustSettings, TrustedProxies};
use http::Request;
use tower::{Layer, ServiceExt as _, service_fn};

use crate::gate::fields;

/// Where the server puts the peer's address.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// What the service behind the layer meets: the client, and the names of the fields.
async fn meet(peer: Option<&str>) -> (Option<ClientAddr>, Vec<String>) {
    let trust = Trust::compile(&TrustSettings {
        trusted_proxies: TrustedProxies::Private,
        ..TrustSettings::default()
    });
    let layer = ClientAddrLayer::new(trust, |extensions| Some(extensions.get::<Peer>()?.0));
    let service = service_fn(|request: Request<()>| {
        let client = request.extensions().get::<ClientAddr>().copied();
        let names = request.headers().keys().map(ToString::to_string).collect();
        std::future::ready(Ok::<_, Infallible>((client, names)))
    });
    let mut request = Request::new(());
    *request.headers_mut() = fields(&[
        ("x-forwarded-for", "203.0.113.7"),
        ("x-auth-subject", "root"),
    ]);
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    }
    layer.layer(service).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn the_service_behind_meets_the_client_and_no_claims() {
    let (client, names) = meet(Some("10.0.0.1")).await;
    assert_eq!(client.unwrap().ip.to_string(), "203.0.113.7");
    assert_eq!(names, ["x-forwarded-for"]);

    let (client, names) = meet(Some("192.0.2.1")).await;
    assert_eq!(client.unwrap().ip.to_string(), "192.0.2.1");
    assert!(names.is_empty());
}

#[tokio::test]
async fn without_a_peer_nobody_is_believed() {
    let (client, names) = meet(None).await;
    assert_eq!(client, None);
    assert!(names.is_empty());
}
